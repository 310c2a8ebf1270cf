// Collections: what the system's own collector did in the measured part, as far as its callbacks tell.  malloc has none.
#pragma once

#include <cstdint>
#include <string>

namespace faultline::peers {

// Before any thread is started and anything is allocated.
void ObserveCollections();
// Forgets what was before: the measured part begins.
void ForgetCollections();
// The committed bytes of the heap now go into the series.
void SampleHeap();
// `"pauses":[…],"collecting":[…],"heap":[…],"live":[…],"collectorCpuNs":…,"collections":…,` with times of CLOCK_MONOTONIC, or nothing.
std::string CollectionsJson();
// Name and version of what gives the memory.
std::string RuntimeName();

}  // namespace faultline::peers
