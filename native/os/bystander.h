// Bystanders: those who touch a page of ours without a reference that leads there.  Another process that reads our memory
// (process_vm_readv, a checkpoint), or a thread of ours whose system call fills page tables (mlockall).
#pragma once

#include <cstdint>

namespace faultline {

// Of the thread, by its id, that waits for a page.  A process of another PID namespace may go under the id of one of our threads, and is
// taken for it.  3 us for one of our own; allocates nothing.
bool IsBystander(uint32_t thread);

}  // namespace faultline
