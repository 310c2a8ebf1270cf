#include "heap/poison.h"

#include <algorithm>

namespace faultline {

void Poison(Heap& heap, RegionIndex region) {
  const uint32_t pages = heap.regions.use(region).used_pages;
  // If refused, the old words stay: the page is not in the file, or will not be for long.
  if (pages == 0 || !heap.views.PopulateAlias(size_t{region} * kRegionBytes, size_t{pages} * kPageBytes).ok()) return;
  uint32_t* const slots = heap.SlotsOf(FirstWordOfRegion(region));
  const uint32_t first = region == 0 ? kPageWords * 2 : 0;
  std::fill(slots + first, slots + uint64_t{pages} * kPageWords * 2, kPoison);
}

void PoisonDead(Heap& heap) {
  const SideTables& tables = heap.tables;
  for (RegionIndex region{0}; region < heap.regions.count(); ++region) {
    if (tables.marked_pages[region] == 0) continue;
    const RegionState state = heap.regions.use(region).state;
    if (state == RegionState::kLive && tables.live_word_counts[region] == 0) Poison(heap, region);
    if (state != RegionState::kLarge && state != RegionState::kLargeTail) continue;
    // An object that was being zeroed when marking ended was not decided on by that marking.
    const RegionIndex head = heap.regions.LargeHead(region);
    const bool dead = tables.marked_pages[head] != 0 && !tables.object_starts.Test(FirstWordOfRegion(head));
    if (dead && heap.regions.use(head).state == RegionState::kLarge) Poison(heap, region);
  }
}

}  // namespace faultline
