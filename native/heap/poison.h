// Poison: in a heap where a stale reference is to be found out, what is freed is overwritten, and its regions are used again as late as
// possible (Regions::ReuseLate).  A stale reference then leads to words that are nothing: as a shape they are unknown, as a reference they
// lead behind the end of the heap (of all but the largest), as a float they are no number, as a small integer they are none.
#pragma once

#include "heap/heap.h"

namespace faultline {

inline constexpr uint32_t kPoison = 0x7FFA'DEAD;

// The used pages of a region that nobody reads any more and nobody has been given yet.
void Poison(Heap& heap, RegionIndex region);

// What the sweep is about to free; marking is over.
void PoisonDead(Heap& heap);

}  // namespace faultline
