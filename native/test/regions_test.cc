// The region table: which memory is handed out, what is charged to the budget, which pages are punched.
#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "os/clock.h"
#include "region_table.h"

namespace faultline::test {
namespace {

void PagesAreHandedOutOnceAndNeverTheFirst() {
  Table table(4, 1);
  std::vector<bool> taken(5 * kRegionPages, false);
  uint32_t pages = 0;
  Random random(1);
  for (;;) {
    const uint32_t least = 1 + random.Below(kLargeObjectWords / kPageWords);
    const PageRun run = table.regions.TakePages(least, least + random.Below(40));
    if (run.count == 0) break;
    EXPECT(run.count >= least && RegionOfPage(run.first) == RegionOfPage(run.first + run.count - 1));
    EXPECT(run.dirty == 0);  // Nothing was ever written there.
    for (PageIndex page = run.first; page < run.first + run.count; ++page) {
      EXPECT(page != 0 && !taken[page]);
      taken[page] = true;
    }
    pages += run.count;
  }
  EXPECT(table.regions.charged() == 4 && table.regions.free_count() == 1);  // The reserve stays.
  EXPECT(table.regions.used_pages_total() == pages + 1);                    // Page 0 counts as used.
}

void ARecycledPageIsDirtyAndAFreshOneIsNot() {
  Table table(3, 0);
  EXPECT(table.regions.TakePages(1, 100).count == 100);
  EXPECT(table.Mark({0_region}) == 1);
  const PageRun run = table.regions.TakePages(1, 120);
  EXPECT(run.first == 1 && run.count == 120 && run.dirty == 100);
  const PageRun next = table.regions.TakePages(1, 10);
  EXPECT(next.first == 121 && next.dirty == 0);
}

void LargeObjectsComeFromTheBackAndGoAsAWhole() {
  Table table(6, 2);
  const PageRun first = table.regions.TakeLarge(kRegionWords + 1);
  EXPECT(RegionOfPage(first.first) == 6 && first.count == kRegionPages + 1);
  EXPECT(table.regions.use(6_region).state == RegionState::kLargePending && table.regions.use(7_region).used_pages == 1);
  EXPECT(table.regions.LargeHead(7_region) == 6);
  const PageRun second = table.regions.TakeLarge(2 * kRegionWords);
  EXPECT(RegionOfPage(second.first) == 4 && table.regions.charged() == 4);
  EXPECT(table.regions.TakeLarge(2 * kRegionWords + 1).count == 0);  // Three regions, two are left of the capacity.
  table.regions.CommitLarge(4_region);
  EXPECT(table.Mark({4_region}) == 2);  // A pending one is not swept, its committed neighbour is.
  EXPECT(table.regions.use(6_region).state == RegionState::kLargePending && table.regions.charged() == 2);
  table.regions.AbandonLarge(6_region);
  EXPECT(table.regions.charged() == 0 && table.regions.free_count() == 8 && table.regions.used_pages_total() == 0);
}

void TwoDeadLargeObjectsSideBySideAreBothFreed() {
  Table table(6, 0);
  for (uint32_t i = 0; i < 2; ++i) {
    table.regions.CommitLarge(RegionOfPage(table.regions.TakeLarge(kRegionWords + 9).first));
  }
  EXPECT(table.regions.charged() == 4 && table.regions.TakeLarge(kRegionWords + 9).count == 0);  // Region 0 is never large.
  EXPECT(table.Mark({2_region, 4_region}) == 4);
  EXPECT(table.regions.charged() == 0);
}

void PartialTailsAreReopenedButNotBetweenMarkingAndPlan() {
  Table table(2, 0);
  EXPECT(table.regions.TakePages(1, 50).first == 1);
  EXPECT(table.Mark({}) == 0);
  const PageRun younger = table.regions.TakePages(1, 50);
  EXPECT(RegionOfPage(younger.first) == 1);
  EXPECT(table.marked[1] == 0 && table.marked[0] == 51);
  table.regions.ReopenPartial();
  EXPECT(RegionOfPage(table.regions.TakePages(1, 206).first) == 1);
  const PageRun tail = table.regions.TakePages(1, 20);
  EXPECT(tail.first == 51 && tail.count == 20);
  EXPECT(table.regions.TakePages(1, kRegionPages).count == kRegionPages - 71);
  EXPECT(table.regions.TakePages(1, 1).count == 0);
}

void WhatALaterWaveEvacuatesStaysClosedAsLongAsItIsNamed() {
  Table table(3, 0);
  EXPECT(table.regions.TakePages(1, 50).first == 1);
  EXPECT(table.Mark({}) == 0);
  table.regions.ReopenPartial({0_region});
  EXPECT(table.regions.open_pages() == 0);
  EXPECT(RegionOfPage(table.regions.TakePages(1, kRegionPages).first) == 1);
  table.regions.ReopenPartial();
  EXPECT(table.regions.open_pages() == kRegionPages - 51);
  EXPECT(table.regions.TakePages(1, 20).first == 51);
}

void TargetsAreRegionsWhosePagesTheFileHasAndThenNewOnes() {
  Table table(8, 0);
  for (uint32_t i = 0; i < 6; ++i) EXPECT(table.regions.TakePages(1, kRegionPages).count > 0);
  EXPECT(table.Mark({1_region, 5_region}) == 2);
  EXPECT(table.regions.BeginPunch(1_region));
  table.regions.EndPunch(1_region, true);
  std::vector<RegionIndex> targets;
  EXPECT(table.regions.ReserveTargets(3, &targets) == 3);
  EXPECT(targets == (std::vector<RegionIndex>{5_region, 1_region, 6_region}));
}

// A plan takes targets first and may then lose sources.  Mutators that allocate meanwhile must not live on the credit of
// sources that stay where they are.
void AfterEveryCycleTheWholeReserveIsFreeAgain() {
  constexpr uint32_t kCapacity = 6;
  constexpr uint32_t kReserve = 2;
  Table table(kCapacity, kReserve);
  for (uint32_t i = 0; i < 5; ++i) EXPECT(table.regions.TakePages(1, kRegionPages).count > 0);
  EXPECT(table.Mark({}) == 0);
  std::vector<RegionIndex> targets;
  EXPECT(table.regions.ReserveTargets(1, &targets) == 1 && targets[0] == 5);
  // While the plan is being made, the budget is what it was: one region is left.
  EXPECT(table.regions.TakePages(1, kRegionPages).count == kRegionPages);
  EXPECT(table.regions.TakePages(1, kRegionPages).count == 0);
  // Of five sources one fits.
  table.regions.CommitPlan({0_region}, targets);
  EXPECT(table.regions.TakePages(1, kRegionPages).count == 0);
  table.regions.FreeSource(0_region);
  table.regions.FinishTarget(5_region, kRegionPages);
  EXPECT(table.regions.charged() == kCapacity && table.regions.free_count() == kReserve);
}

void ACancelledPlanLeavesTheTableAsItWas() {
  Table table(4, 2);
  for (uint32_t i = 0; i < 3; ++i) table.regions.TakePages(1, kRegionPages);
  table.Mark({});
  std::vector<RegionIndex> targets;
  EXPECT(table.regions.ReserveTargets(9, &targets) == 3);
  table.regions.ReleaseTarget(targets.back());
  targets.pop_back();
  EXPECT(table.regions.charged() == 3 && table.regions.free_count() == 1);
  table.regions.CommitPlan({0_region, 1_region, 2_region}, targets);
  EXPECT(table.regions.charged() == 2);
  table.regions.CancelPlan({0_region, 1_region, 2_region}, targets);
  EXPECT(table.regions.charged() == 3 && table.regions.free_count() == 3);
  for (RegionIndex i{0}; i < 3; ++i) EXPECT(table.regions.use(i).state == RegionState::kLive);
}

void PunchingNeverTouchesPagesThatAreHandedOut() {
  Table table(2, 0);
  EXPECT(table.regions.TakePages(1, 100).count == 100);
  table.Mark({0_region});
  EXPECT(!table.regions.BeginPunch(1_region));  // Nothing to punch: never written.
  EXPECT(table.regions.BeginPunch(0_region));
  const PageRun run = table.regions.TakePages(1, 10);  // Not from the region that is being punched.
  EXPECT(RegionOfPage(run.first) == 1);
  table.regions.EndPunch(0_region, true);
  std::vector<RegionIndex> committed;
  table.regions.CommittedFree(&committed);
  EXPECT(committed.empty());
  EXPECT(table.regions.TakePages(kRegionPages - 11, kRegionPages - 11).count > 0);  // Region 1 is full now.
  EXPECT(table.regions.TakePages(1, 1).dirty == 0);                                 // Region 0 again, and clean.

  // A tail that is being punched is not filled up, and one that could not be punched stays dirty.
  Table other(1, 0);
  EXPECT(other.regions.TakePages(1, 200).count == 200);
  other.Mark({0_region});
  EXPECT(other.regions.TakePages(1, 50).dirty == 50);
  EXPECT(other.regions.BeginPunchTail(0_region).count == 0);  // Still being allocated into.
  other.Mark({});
  other.regions.ReopenPartial();
  const PageRun tail = other.regions.BeginPunchTail(0_region);
  EXPECT(tail.first == 51 && tail.count == 150);
  EXPECT(other.regions.TakePages(1, 1).count == 0);
  other.regions.EndPunch(0_region, false);
  other.regions.ReopenPartial();
  EXPECT(other.regions.TakePages(1, 10).dirty == 10);
}

// The tail of a large object is punched while the object ends.
void PagesInFrontOfAPunchedTailStayDirtyWhateverBecomesOfThem() {
  Table table(2, 0);
  table.regions.CommitLarge(RegionOfPage(table.regions.TakeLarge(kRegionWords).first));
  EXPECT(table.Mark({1_region}) == 1);  // Region 1 is free, all of it dirty.
  const PageRun large = table.regions.TakeLarge(kLargeObjectWords + 1);
  EXPECT(RegionOfPage(large.first) == 1);
  table.regions.CommitLarge(1_region);
  const PageRun tail = table.regions.BeginPunchTail(1_region);
  EXPECT(tail.count == kRegionPages - large.count);
  EXPECT(table.Mark({1_region}) == 1);
  EXPECT(RegionOfPage(table.regions.TakePages(1, kRegionPages).first) == 0);
  EXPECT(table.regions.TakePages(1, 1).count == 0);  // Region 1 is free, but not while it is punched.
  table.regions.EndPunch(1_region, true);
  const PageRun again = table.regions.TakePages(1, kRegionPages);
  EXPECT(RegionOfPage(again.first) == 1 && again.dirty == large.count);
}

// Pages that can be had without charging a region, counted by taking them all.
uint64_t PagesUntilTheNextCharge(Table& table) {
  const uint32_t charged = table.regions.charged();
  uint64_t pages = 0;
  for (;;) {
    const PageRun run = table.regions.TakePages(1, 1);
    if (run.count == 0) return pages;
    if (table.regions.charged() != charged) return pages;
    pages += run.count;
  }
}

void OpenPagesAreWhatCanBeTakenWithoutAnotherRegion() {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Table table(12, 2);
    EXPECT(table.regions.open_pages() == 0);
    uint64_t handed_out = 0;
    for (uint32_t step = 0; step < 40; ++step) {
      const PageRun run = random.Below(8) == 0 ? table.regions.TakeLarge(kLargeObjectWords + random.Below(kRegionWords))
                                               : table.regions.TakePages(1 + random.Below(60), random.Below(120));
      handed_out += run.count;
      if (run.count > 0 && table.regions.use(RegionOfPage(run.first)).state == RegionState::kLargePending) {
        table.regions.CommitLarge(RegionOfPage(run.first));
      }
      if (random.Below(10) != 0) continue;
      table.Mark({RegionIndex(random.Below(14)), RegionIndex(random.Below(14))});
      EXPECT(table.regions.open_pages() == 0);
      if (random.Chance(50)) handed_out += table.regions.TakePages(1, 30).count;
      table.regions.ReopenPartial();
    }
    EXPECT(table.regions.handed_out_pages() == handed_out);
    const uint64_t open = table.regions.open_pages();
    const uint64_t taken = PagesUntilTheNextCharge(table);
    EXPECT(open == taken);
  }
}

void TheLimitStopsNobody() {
  Table table(3, 1);
  EXPECT(table.regions.limit() == 3);  // The capacity, until somebody says otherwise.
  table.regions.SetLimit(1);
  for (uint32_t i = 0; i < 3; ++i) EXPECT(table.regions.TakePages(1, kRegionPages).count > 0);
  EXPECT(table.regions.charged() == 3 && table.regions.limit() == 1 && table.regions.capacity() == 3);
  EXPECT(table.regions.TakePages(1, 1).count == 0);
}

// Threads that allocate real pages while another one punches whatever is free: what was written stays written.
void WhatAMutatorWritesIsNotPunchedAway() {
  TestHeap::Options options;
  options.mode = FaultModeKind::kStw;
  options.capacity_regions = 8;
  options.workers = 0;
  TestHeap test(options);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  std::atomic<bool> ending{false};
  std::vector<std::thread> threads;
  std::atomic<uint32_t> written{0};
  for (uint32_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      TestMutator mutator(&test);
      Random random(t);
      uint32_t kept = 0;
      while (!ending.load()) {
        const uint32_t count = 1 + random.Below(600);
        if (kept == 200) {
          for (uint32_t i = 0; i < kept; ++i) mutator.handle(i) = 0;
          kept = 0;
          mutator.Park();
          sched_yield();
          mutator.Unpark();
        }
        if (test.heap.regions.charged() > 6) {
          mutator.Park();
          sched_yield();
          mutator.Unpark();
          continue;
        }
        const WordIndex object = mutator.Allocate(data, count);
        EXPECT(object != 0);
        for (uint32_t i = 1; i <= count; ++i) {
          EXPECT(mutator.words(object)[i] == 0);
          mutator.words(object)[i] = i;
        }
        mutator.handle(kept++) = object;
        for (uint32_t k = 0; k < kept; ++k) {
          const WordIndex old = mutator.handle(k);
          const uint32_t length = mutator.slots(old)[1];
          EXPECT(mutator.words(old)[1] == 1 && mutator.words(old)[length] == length);
        }
        written.fetch_add(1);
      }
    });
  }
  const uint64_t until = NowNs() + (ShortForm() ? 400 : 1200) * kNsPerMs;
  uint32_t cycles = 0;
  while (NowNs() < until) {
    test.Collect(cycles++ % 2 == 0);
    while (!test.collector->Reclaim(0, true, NowNs() + 5 * kNsPerMs)) {
    }
  }
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT(written.load() > 0 && cycles > 1);
  test.Collect();
  while (!test.collector->Reclaim(0, true, NowNs() + 5 * kNsPerMs)) {
  }
  EXPECT(test.heap.regions.charged() == 0);
  EXPECT(test.heap.file.AllocatedBytes() == 0);  // Nothing lives, everything went back.
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  PagesAreHandedOutOnceAndNeverTheFirst();
  ARecycledPageIsDirtyAndAFreshOneIsNot();
  LargeObjectsComeFromTheBackAndGoAsAWhole();
  TwoDeadLargeObjectsSideBySideAreBothFreed();
  PartialTailsAreReopenedButNotBetweenMarkingAndPlan();
  WhatALaterWaveEvacuatesStaysClosedAsLongAsItIsNamed();
  TargetsAreRegionsWhosePagesTheFileHasAndThenNewOnes();
  AfterEveryCycleTheWholeReserveIsFreeAgain();
  ACancelledPlanLeavesTheTableAsItWas();
  PunchingNeverTouchesPagesThatAreHandedOut();
  PagesInFrontOfAPunchedTailStayDirtyWhateverBecomesOfThem();
  OpenPagesAreWhatCanBeTakenWithoutAnotherRegion();
  TheLimitStopsNobody();
  WhatAMutatorWritesIsNotPunchedAway();
  return 0;
}
