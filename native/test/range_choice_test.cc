// Which ranges a flip takes away of the mutator view (Y): all that must go goes, whatever the regions are, and no more is lost than the
// ranges are worth.
#include <algorithm>

#include "gc/compaction/taken_away.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint32_t kCapacity = 40;

bool MustGo(const RegionUse& use, TakenAway::LeafSources sources) {
  if (use.state == RegionState::kFree) return false;
  if (use.kind == RegionKind::kMixed || use.state == RegionState::kTarget) return true;
  return use.state == RegionState::kSource && sources == TakenAway::LeafSources::kGo;
}

void CheckChoice(Heap& heap, const TakenAway& taken, TakenAway::LeafSources sources) {
  EXPECT(!taken.ranges().empty() && taken.ranges().size() <= Views::kMostRanges);
  size_t before = 0;
  for (const ViewRange& range : taken.ranges()) {
    EXPECT(range.begin < range.end && (range.begin > before || before == 0) && range.end <= heap.views.span_bytes());
    EXPECT(range.begin % kRegionBytes == 0 && range.end % kRegionBytes == 0);
    before = range.end;
  }
  // What is lost if what lies between two regions that must go is taken, and before the first one and behind the last.
  std::vector<uint64_t> gaps;
  uint64_t gap = 0;
  uint64_t at_the_ends = 0;
  bool begun = false;
  uint64_t taken_for_nothing = 0;
  const auto end_gap = [&] {
    if (gap <= TakenAway::kRange) at_the_ends += gap;
    gap = 0;
  };
  for (RegionIndex region{0}; region < kCapacity; ++region) {
    const size_t offset = size_t{region} * kRegionBytes;
    const bool in_range = std::any_of(taken.ranges().begin(), taken.ranges().end(),
                                      [&](const ViewRange& range) { return offset >= range.begin && offset < range.end; });
    EXPECT(in_range != taken.IsLeft(region));
    if (MustGo(heap.tables.frozen[region], sources)) {
      EXPECT(in_range);
      if (!begun) end_gap();
      if (begun) gaps.push_back(gap);
      begun = true;
      gap = 0;
    } else {
      const RegionUse use = heap.tables.frozen[region];
      const bool stays = use.state != RegionState::kFree && use.state != RegionState::kSource;
      // The file has all pages of what is free in this table.
      const uint64_t loss = stays                               ? use.used_pages * TakenAway::kPageThatStays
                            : use.state == RegionState::kSource ? use.used_pages * TakenAway::kFreePage
                                                                : kRegionPages * TakenAway::kFreePage;
      gap += loss;
      if (in_range) taken_for_nothing += loss;
    }
  }
  end_gap();
  std::sort(gaps.begin(), gaps.end(), std::greater<>());
  uint64_t least = at_the_ends;
  for (size_t i = 0; i < gaps.size(); ++i) least += i >= Views::kMostRanges - 1 || gaps[i] <= TakenAway::kRange ? gaps[i] : 0;
  EXPECT(taken_for_nothing == least);
}

// Random tables of regions, with as many runs of regions that must go as `change_percent` makes.
void AllThatMustGoGoesAndNoMoreIsLostThanTheRangesAreWorth(uint64_t seed) {
  Random random(seed);
  TestHeap::Options options;
  options.capacity_regions = kCapacity;
  options.reserve_regions = 0;
  options.mode = FaultModeKind::kStw;
  options.workers = 0;
  TestHeap test(options);
  while (test.heap.regions.TakePages(1, kRegionPages).count > 0) {
  }
  MappedArray<RegionUse, RegionIndex>& frozen = test.heap.tables.frozen;
  TakenAway taken(&test.heap);
  EXPECT(taken.Open().ok());
  constexpr RegionState kStates[] = {RegionState::kFree,   RegionState::kAllocating, RegionState::kLive,
                                     RegionState::kSource, RegionState::kTarget,     RegionState::kLarge};
  for (uint32_t round = 0; round < 300; ++round) {
    const uint32_t change_percent = 1 + random.Below(100);
    RegionUse use;
    for (RegionIndex region{0}; region < kCapacity; ++region) {
      if (region == 0 || random.Chance(change_percent)) {
        use.state = kStates[random.Below(std::size(kStates))];
        use.kind = random.Chance(50) ? RegionKind::kLeaf : RegionKind::kMixed;
      }
      use.used_pages = use.state == RegionState::kFree ? 0 : static_cast<uint16_t>(1 + random.Below(kRegionPages));
      frozen[region] = use;
    }
    frozen[RegionIndex(random.Below(kCapacity))].state = RegionState::kTarget;
    for (const auto sources : {TakenAway::LeafSources::kGo, TakenAway::LeafSources::kMayStay}) {
      taken.Choose(sources);
      CheckChoice(test.heap, taken, sources);
    }
    taken.ChooseNothing();
    EXPECT(taken.ranges().empty() && !taken.IsLeft(RegionIndex(random.Below(kCapacity))));
  }
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261205);
  for (uint64_t i = 0; i < (ShortForm() ? 2 : 20); ++i) AllThatMustGoGoesAndNoMoreIsLostThanTheRangesAreWorth(seed + i);
  return 0;
}
