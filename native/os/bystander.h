// Bystanders: threads that touch a page of ours without a reference that leads there: another process that reads our memory
// (process_vm_readv, a checkpoint), or a thread of ours whose system call fills page tables (mlockall).
#pragma once

#include <cstdint>

namespace faultline {

// `thread` is the id of a thread that waits for a page.  A thread in another PID namespace may have the id of one of ours, and is then
// taken for it.  3 us for one of our own threads; allocates nothing.
bool IsBystander(uint32_t thread);

}  // namespace faultline
