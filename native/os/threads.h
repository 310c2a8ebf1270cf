// Threads of this process, as the kernel numbers them.
#pragma once

#include <cstdint>
#include <vector>

namespace faultline {

// All threads at this moment, in ascending order; none if /proc cannot be read.
std::vector<int> ThreadsOfProcess();
bool ThreadLives(int thread);
// The calling thread.  Async-signal-safe.
uint32_t ThisThread();

}  // namespace faultline
