// Which of the free regions is taken for what: the kinds have an end each, what is taken away by flips lies together, and pages that the
// file has come before new ones.
#include "region_table.h"

namespace faultline::test {
namespace {

constexpr uint32_t kCount = kLeastRegionsWithTwoEnds;

RegionIndex Take(Table& table, RegionKind kind) { return RegionOfPage(table.regions.TakePages(1, kRegionPages, nullptr, kind).first); }

// Whole regions, from both ends.
void Fill(Table& table, uint32_t mixed, uint32_t leaf) {
  for (RegionIndex i{0}; i < mixed; ++i) EXPECT(Take(table, RegionKind::kMixed) == i);
  for (RegionIndex i{kCount}; i > kCount - leaf;) {
    --i;
    EXPECT(Take(table, RegionKind::kLeaf) == i);
  }
}

// Of these the file has no pages any more.
void Punch(Table& table, RegionIndex region) {
  EXPECT(table.regions.BeginPunch(region));
  table.regions.EndPunch(region, true);
}

// Both ends grow towards each other; where they meet, each takes what there is.
void LeafRegionsComeFromTheBackOfAHeapWithTwoEnds() {
  for (const uint32_t capacity : {kCount - 1, kCount}) {
    Table table(capacity, 0);
    const auto take = [&](RegionKind kind) { return RegionOfPage(table.regions.TakePages(1, kRegionPages, nullptr, kind).first); };
    EXPECT(take(RegionKind::kMixed) == 0);
    EXPECT(take(RegionKind::kLeaf) == (capacity == kCount ? kCount - 1 : 1));
    EXPECT(take(RegionKind::kMixed) == (capacity == kCount ? 1 : 2));
  }
  Table largest(kMostRegionsWithTwoEnds, 1);
  EXPECT(largest.regions.TakePages(1, 1, nullptr, RegionKind::kLeaf).first == 1);
  Table table(kCount, 0);
  for (uint32_t i = 0; i < kCount; ++i) {
    const PageRun run = table.regions.TakePages(1, kRegionPages, nullptr, i % 3 == 0 ? RegionKind::kMixed : RegionKind::kLeaf);
    EXPECT(run.count > 0);
  }
  EXPECT(table.regions.charged() == kCount);
  // Of those that are free again, each kind takes the one nearest to its end.
  EXPECT(table.Mark({5_region, 9_region, 20_region}) == 3);
  EXPECT(RegionOfPage(table.regions.TakePages(1, kRegionPages, nullptr, RegionKind::kLeaf).first) == 20);
  EXPECT(RegionOfPage(table.regions.TakePages(1, kRegionPages).first) == 5);
  EXPECT(RegionOfPage(table.regions.TakePages(1, kRegionPages, nullptr, RegionKind::kLeaf).first) == 9);
  EXPECT(table.regions.TakePages(1, kRegionPages).count == 0);
}

// While a large object lacks contiguous room, no leaf takes what becomes free at the back.
void ALargeObjectWithoutRoomKeepsLeavesFromTheBack() {
  Table table(kCount, 0);
  for (uint32_t i = 0; i < kCount; ++i) EXPECT(table.regions.TakePages(1, kRegionPages).count > 0);
  EXPECT(table.Mark({3_region, 10_region, 30_region}) == 3);
  EXPECT(table.regions.TakeLarge(2 * kRegionWords).count == 0);
  const auto leaf = [&] { return RegionOfPage(table.regions.TakePages(1, kRegionPages, nullptr, RegionKind::kLeaf).first); };
  EXPECT(leaf() == 3);
  EXPECT(RegionOfPage(table.regions.TakeLarge(1).first) == 10);
  EXPECT(table.Mark({20_region}) == 1);
  EXPECT(leaf() == 30);
}

// A large one too would be a range of its own there.
void LargeObjectsWithReferencesAreInTheFrontZone() {
  Table table(kCount, 0);
  Fill(table, 1, 1);
  const auto large = [&](uint32_t regions, RegionKind kind) {
    return RegionOfPage(table.regions.TakeLarge(regions * kRegionWords, nullptr, kind).first);
  };
  EXPECT(large(2, RegionKind::kMixed) == 1 && large(2, RegionKind::kLeaf) == kCount - 3 && large(1, RegionKind::kMixed) == 3);
  table.regions.CommitLarge(1_region);
  EXPECT(table.Mark({1_region}) == 2);
  EXPECT(large(3, RegionKind::kMixed) == 4 && large(2, RegionKind::kMixed) == 1);
}

using Targets = std::vector<RegionIndex>;

Targets Reserve(Table& table, uint32_t wanted, RegionKind kind, const Targets& sources = {}) {
  Targets targets;
  table.regions.ReserveTargets(wanted, &targets, kind, sources);
  for (const RegionIndex target : targets) table.regions.ReleaseTarget(target);
  return targets;
}

void MixedTargetsAreNotAmongLeavesWhereThereIsAnotherPlace() {
  Table table(kCount, 0);
  Fill(table, 4, 4);
  EXPECT(table.Mark({1_region, 2_region, 30_region}) == 3);
  Punch(table, 1_region);
  EXPECT(Reserve(table, 1, RegionKind::kMixed) == Targets{2_region});
  EXPECT(Reserve(table, 3, RegionKind::kMixed) == (Targets{2_region, 1_region, 4_region}));
  Table full(kCount, 0);
  Fill(full, 4, kCount - 4);
  EXPECT(full.Mark({30_region}) == 1);
  EXPECT(Reserve(full, 1, RegionKind::kMixed) == Targets{30_region});
}

// Each stretch may be a range that a flip takes away.
void LeafTargetsAreInAsFewStretchesAsPossible() {
  Table table(kCount, 0);
  Fill(table, 4, 12);
  EXPECT(table.Mark({1_region, 23_region, 24_region, 26_region, 27_region, 28_region, 30_region}) == 7);
  EXPECT(Reserve(table, 1, RegionKind::kLeaf) == Targets{30_region});
  EXPECT(Reserve(table, 2, RegionKind::kLeaf) == (Targets{24_region, 23_region}));
  EXPECT(Reserve(table, 3, RegionKind::kLeaf) == (Targets{28_region, 27_region, 26_region}));
  EXPECT(Reserve(table, 4, RegionKind::kLeaf) == (Targets{28_region, 27_region, 26_region, 30_region}));
  // What stays is the end of a stretch, a source is not.
  EXPECT(Reserve(table, 4, RegionKind::kLeaf, {25_region}) == (Targets{28_region, 27_region, 26_region, 24_region}));
  // New pages come last, and the front zone after them.
  const Targets all = Reserve(table, kCount, RegionKind::kLeaf);
  EXPECT(all.size() == 23 && all[6] == 19 && all.back() == 1);
}

void LeavesTakeRecycledPagesUnlessOthersLieBetween() {
  Table table(kCount, 0);
  Fill(table, 4, 4);
  EXPECT(table.Mark({2_region, 28_region, 30_region}) == 3);
  Punch(table, 30_region);
  EXPECT(Take(table, RegionKind::kLeaf) == 28);
  EXPECT(Take(table, RegionKind::kLeaf) == 30);
  EXPECT(Take(table, RegionKind::kLeaf) == 27);
}

void WhatIsKeptIsFirstOfAllTheFrontZone() {
  Table table(kCount, 0);
  Fill(table, 6, 20);
  EXPECT(table.Mark({1_region, 3_region, 4_region, 15_region, 20_region, 30_region}) == 6);
  Targets free;
  table.regions.CommittedFree(&free);
  EXPECT(free.size() == 6);
  // By what is in use, one in seven would be at the front.
  EXPECT(table.regions.KeptAtFront(free, 4) == 3 && table.regions.KeptAtFront(free, 2) == 2 && table.regions.KeptAtFront(free, 0) == 0);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  LeafRegionsComeFromTheBackOfAHeapWithTwoEnds();
  ALargeObjectWithoutRoomKeepsLeavesFromTheBack();
  LargeObjectsWithReferencesAreInTheFrontZone();
  MixedTargetsAreNotAmongLeavesWhereThereIsAnotherPlace();
  LeafTargetsAreInAsFewStretchesAsPossible();
  LeavesTakeRecycledPagesUnlessOthersLieBetween();
  WhatIsKeptIsFirstOfAllTheFrontZone();
  return 0;
}
