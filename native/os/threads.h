// Threads of this process, as the kernel numbers them.
#pragma once

#include <cstdint>
#include <vector>

namespace faultline {

// All threads at this moment, in ascending order; none if /proc cannot be read.
std::vector<int> ThreadsOfProcess();
bool ThreadLives(int thread);
// How often a thread of this process has been given a CPU; 0 if the kernel does not say, or the thread has ended.
uint64_t TimesRun(uint32_t thread);
// The calling thread.  Async-signal-safe.
uint32_t ThisThread();

}  // namespace faultline
