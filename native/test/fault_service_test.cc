// Serving faults: which accesses cost a mutator a fault, and which pages may be shown.
#include <cinttypes>

#include "child.h"
#include "os/clock.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

TestHeap::Options OptionsFor(FaultModeKind mode, uint32_t capacity) {
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = capacity;
  options.workers = 0;
  return options;
}

// Memory handed out while a compaction is under way is there already: the fast path of allocation never faults.
void FreshMemoryRaisesNoFaultWhileTheViewIsArmed(FaultModeKind mode) {
  TestHeap test(OptionsFor(mode, 8));
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  mutator.handle(0) = mutator.Allocate(data, 3000);
  mutator.Park();
  test.CollectUntilFlip();
  mutator.Unpark();
  EXPECT(test.collector->Armed());
  const uint64_t before = test.heap.statistics.fault_service.count();
  for (uint32_t i = 0; i < 200; ++i) {
    const WordIndex object = mutator.Allocate(data, 500);
    EXPECT(object != 0);
    for (uint32_t word = 1; word <= 500; ++word) {
      EXPECT(mutator.words(object)[word] == 0);
      mutator.words(object)[word] = word;
    }
  }
  EXPECT(test.heap.statistics.fault_service.count() == before);
  EXPECT(mutator.slots(mutator.handle(0))[1] == 3000);  // This one does.
  for (uint32_t ms = 0; test.heap.statistics.fault_service.count() == before && ms < 5000; ++ms) SleepMs(1);
  EXPECT(test.heap.statistics.fault_service.count() > before);
  mutator.Park();
  test.FinishCollection();
  mutator.Unpark();
}

// A page costs one fault at most, and its neighbours come with it as far as the setting says.
void AFaultBringsItsNeighboursAlong(FaultModeKind mode) {
  for (const uint32_t around : {1u, 4u, 64u}) {
    TestHeap::Options options = OptionsFor(mode, 8);
    options.fault_around_pages = around;
    TestHeap test(options);
    const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
    TestMutator mutator(&test);
    constexpr uint32_t kObjects = 256;
    for (uint32_t i = 0; i < kObjects; ++i) mutator.handle(i) = mutator.Allocate(data, kPageWords - 1);  // A page each.
    mutator.Park();
    test.CollectUntilFlip();
    mutator.Unpark();
    const uint64_t before = test.heap.statistics.fault_service.count();
    for (uint32_t round = 0; round < 2; ++round) {
      for (uint32_t i = 0; i < kObjects; ++i) EXPECT(mutator.slots(mutator.handle(i))[1] == kPageWords - 1);
    }
    const uint64_t faults = test.heap.statistics.fault_service.count() - before;
    // In thread mode the last ones may not have been counted yet when the mutator goes on.
    if (faults + 2 < kObjects / around || faults > kObjects / around + 2) {
      std::fprintf(stderr, "%s, fault-around %u: %" PRIu64 " faults for %u pages\n", NameOf(mode), around, faults, kObjects);
      EXPECT(!"a page faults once, its neighbours not at all");
    }
    mutator.Park();
    test.FinishCollection();
    mutator.Unpark();
  }
}

// Pages are shown in units when the heap is large (sigsegv mode); a unit with an unbuilt page must stay hidden.
void AUnitIsNotShownBeforeAllOfItIsBuilt() {
  HeapWithProgram scene(OptionsFor(FaultModeKind::kSigsegv, 70), 9, {.nodes = 500});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  EXPECT(test.collector->pages().fault_mode().unit_pages() > 1);
  program.mutator().Park();
  test.CollectUntilFlip();
  program.mutator().Unpark();
  for (PageIndex page{0}; page < test.heap.page_count(); ++page) {
    if (test.collector->pages().PageNeedsBuilding(page)) test.collector->pages().fault_mode().Show(page, 1);
  }
  program.CheckAll();
  program.mutator().Park();
  test.FinishCollection();
  program.mutator().Unpark();
  program.CheckAll();
}

// Workers build everything when no mutator touches anything, and then no touch faults.
void AFinishedCycleFaultsNoMore(FaultModeKind mode) {
  HeapWithProgram scene(OptionsFor(mode, 8), 10, {.nodes = 500});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  program.mutator().Park();
  test.Collect();
  program.mutator().Unpark();
  const uint64_t before = test.heap.statistics.fault_service.count();
  program.CheckAll();
  EXPECT(test.heap.statistics.fault_service.count() == before && Read(test.heap.statistics.pages_by_mutators) == 0);
}

// A mode that copies fills every target page by UFFDIO_COPY, and pages in place by UFFDIO_CONTINUE; the others copy nothing.
void OnlyTargetPagesAreCopiedAndOnlyWhereTheModeSaysSo(FaultModeKind mode, bool by_workers) {
  TestHeap test(OptionsFor(mode, 8));
  const ShapeId node = test.DefineShape(2, 3);
  TestMutator mutator(&test);
  constexpr uint32_t kNodes = 60'000;  // More than two regions; half of the first one dies, the second one stays where it is.
  for (uint32_t i = 0; i < kNodes; ++i) {
    mutator.handle(i) = mutator.Allocate(node);
    mutator.words(mutator.handle(i))[2] = i;
  }
  for (uint32_t i = 0; i < kNodes / 3; i += 2) mutator.handle(i) = 0;
  mutator.Park();
  test.CollectUntilFlip(false);
  mutator.Unpark();
  uint64_t targets = 0;
  for (const RegionIndex target : test.collector->plan().targets()) {
    targets += test.collector->plan().UsedPagesOfTarget(target) - (target == 0 ? 1 : 0);
  }
  EXPECT(targets > 0);
  if (by_workers) {
    mutator.Park();
    test.FinishCollection();
    mutator.Unpark();
  }
  for (uint32_t i = 1; i < kNodes; i += 2) EXPECT(mutator.words(mutator.handle(i))[2] == i);
  mutator.Park();
  if (!by_workers) test.FinishCollection();
  mutator.Unpark();
  const Statistics& statistics = test.heap.statistics;
  const bool copies = TraitsOf(mode).copies;
  EXPECT(Read(statistics.in_place_pages) > 0);
  EXPECT(Read(statistics.pages_copied) == (copies ? targets : 0));
  EXPECT((Read(statistics.copy_calls) > 0) == copies && Read(statistics.copy_calls) <= targets);
  EXPECT((Read(statistics.pages_continued) > 0) == (mode != FaultModeKind::kSigsegv));
}

// A source behind its last reader is memory as any other, in the cycle that emptied it already: what is put there is touched and shown.
void WhatIsPutIntoAnEmptiedSourceIsShown(FaultModeKind mode) {
  TestHeap test(OptionsFor(mode, 8));
  const ShapeId cell = test.DefineShape(0, 3);
  const ShapeId large = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  constexpr uint32_t kCells = 4 * kRegionWords / 4;
  for (uint32_t i = 0; i < kCells; ++i) {
    const WordIndex object = mutator.Allocate(cell);
    if (i % 8 == 0) mutator.handle(i / 8 % (1 << 14)) = object;
  }
  mutator.Park();
  test.CollectUntilFlip();
  while (!test.collector->Compact(NowNs() + 1000 * kNsPerMs)) {
  }
  mutator.Unpark();
  EXPECT(test.collector->Armed());
  WordIndex object{0};
  do {  // The back of the heap is taken first.
    object = mutator.Allocate(large, kLargeObjectWords + 1);
    EXPECT(object != 0);
  } while (test.heap.tables.moving[RegionOf(object)] == 0);
  for (uint32_t word = 1; word <= kLargeObjectWords + 1; ++word) EXPECT(mutator.words(object)[word] == 0);
  mutator.Park();
  test.FinishCollection();
  mutator.Unpark();
}

// Asks for a page while it builds another one.
class FaultsWhileItBuilds final : public SourceRelease {
 public:
  explicit FaultsWhileItBuilds(Collector* collector) : collector_(collector) {}
  void SourceRead(RegionIndex /*source*/) override {
    collector_->pages().ServeFault(reinterpret_cast<uintptr_t>(collector_->heap().views.mutator_view()), nullptr);
  }

 private:
  Collector* const collector_;
};

// The checks of laws (C) and (K) end the process that breaks them, and say which it was.
void ABrokenLawEndsTheProcess(FaultModeKind mode) {
  const auto after_flip = [mode](auto act) {
    return InChild([&] {
      TestHeap test(OptionsFor(mode, 8));
      const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
      TestMutator mutator(&test);
      for (uint32_t i = 0; i < 100; ++i) mutator.handle(i) = mutator.Allocate(data, 100);
      mutator.Park();
      test.CollectUntilFlip();
      act(test);
    });
  };
  const Death shown = after_flip([](TestHeap& test) {
    RegionIndex source{0};
    while (test.heap.regions.use(source).state != RegionState::kSource) ++source;
    const PageIndex page = FirstPageOfRegion(source) + 1;
    PageStates& states = test.heap.tables.page_states;
    const uint32_t cycle = test.collector->pages().cycle();
    CHILD_EXPECT(states.TryClaim(page, cycle));
    states.Publish(page, cycle);
    states.NoteMapped(page, cycle);
    test.collector->pages().ServeFault(reinterpret_cast<uintptr_t>(test.heap.views.mutator_view()) + size_t{page} * kPageBytes, nullptr);
  });
  EXPECT(shown.died() && shown.said.find("(C) no page of a source is shown") != std::string::npos);
  const Death nested = after_flip([](TestHeap& test) {
    FaultsWhileItBuilds faults(test.collector.get());
    PageBuilder builder(&test.heap, &faults);
    for (PageIndex page{0}; page < test.heap.page_count(); ++page) {
      if (builder.TreatmentOf(page) == Treatment::kTarget) builder.Build(page);
    }
  });
  EXPECT(nested.died() && nested.said.find("(K) who builds a page touches nothing that faults") != std::string::npos);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const FaultModeKind mode : FaultingModes()) {
    FreshMemoryRaisesNoFaultWhileTheViewIsArmed(mode);
    AFaultBringsItsNeighboursAlong(mode);
    AFinishedCycleFaultsNoMore(mode);
    WhatIsPutIntoAnEmptiedSourceIsShown(mode);
    OnlyTargetPagesAreCopiedAndOnlyWhereTheModeSaysSo(mode, true);
    OnlyTargetPagesAreCopiedAndOnlyWhereTheModeSaysSo(mode, false);
    if (mode == FaultModeKind::kSigbus) ABrokenLawEndsTheProcess(mode);
  }
  AUnitIsNotShownBeforeAllOfItIsBuilt();
  return 0;
}
