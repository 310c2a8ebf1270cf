// Workloads: those of native/bench/any_heap by name, on the memory of the peer.
#pragma once

#include <cstdint>

#include "any_heap/work.h"
#include "parameters.h"

namespace faultline::peers {

// On the thread that will do the work, and for as long as the process runs.  Ends the process when there is none of that name.
bench::Work* MakeWork(const Parameters& parameters, uint32_t seed);

}  // namespace faultline::peers
