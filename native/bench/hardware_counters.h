// Hardware counters: what the CPU and the kernel count while a workload runs (perf_event_open): cycles, misses of the TLB, page faults.
//
// A counter counts the thread that opens it and all threads that come from it afterwards; what they counted stays when they end.  Many
// machines, virtual ones above all, have none of the CPU's: then there is a reason instead of a number.
#pragma once

#include <cstdint>

namespace faultline::bench {

inline constexpr uint32_t kCounters = 8;

// As it stands in results, for example "dtlbLoadMisses".
const char* CounterName(uint32_t counter);

// Empty when it counts, else why it does not.  Once a process.
const char* OpenCounter(uint32_t counter);

// False when it is not open.  Scaled where the CPU had to share its registers among more counters than it has.
bool ReadCounter(uint32_t counter, double* count);

}  // namespace faultline::bench
