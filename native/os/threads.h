// Threads of this process, as the kernel numbers them.
#pragma once

#include <vector>

namespace faultline {

// All of them, at this moment, in ascending order; none where /proc cannot be read.
std::vector<int> ThreadsOfProcess();
bool ThreadLives(int thread);

}  // namespace faultline
