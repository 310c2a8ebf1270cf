// Poison: in a heap that is to detect stale references, freed memory is overwritten, and its regions are reused as late as possible
// (Regions::ReuseLate).  A stale reference then leads to words that are not valid as anything: an unknown shape, a reference beyond the end
// of the heap (of all but the largest), not a number as a float, and not a small integer.
#pragma once

#include "heap/heap.h"

namespace faultline {

inline constexpr uint32_t kPoison = 0x7FFA'DEAD;

// Overwrites the used pages of a region that has no readers left and has not been handed out again.
void Poison(Heap& heap, RegionIndex region);

// Overwrites what the sweep is about to free; marking is over.
void PoisonDead(Heap& heap);

}  // namespace faultline
