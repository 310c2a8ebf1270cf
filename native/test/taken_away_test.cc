// What a flip takes away of the mutator view and what it leaves there (Y): what stays is ordinary memory in every phase, what a stale touch
// of it means, and that a range which is refused is no reason to give up.
#include <unistd.h>

#include <algorithm>

#include "child.h"
#include "faults_of_writing.h"
#include "gc/compaction/taken_away.h"
#include "os/page_presence.h"
#include "os/refusals.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

constexpr uint32_t kCapacity = 40;
constexpr uint32_t kReserve = 8;
static_assert(kCapacity >= kLeastRegionsWithTwoEnds);

// --- What is left -----------------------------------------------------------------------------------------------------

struct Settings {
  FaultModeKind mode = FaultModeKind::kSigbus;
  MarkerKind marker = MarkerKind::kStopped;
  bool verify = true;
};

// Full leaf regions, one object a page, and pairs of which half die.
struct Scene {
  static constexpr uint32_t kFullRegions = 4;
  static constexpr uint32_t kLeaves = kFullRegions * kRegionPages;
  static constexpr uint32_t kPairs = 60'000;

  explicit Scene(const Settings& settings) : test(Options(settings)) {
    for (uint32_t i = 0; i < kLeaves; ++i) mutator.handle(i) = NewLeaf(i);
    for (uint32_t i = 0; i < kPairs; ++i) {
      const WordIndex object = mutator.Allocate(pair);
      mutator.words(object)[2] = i;
      mutator.reference(object, 0) = mutator.handle(i % kLeaves);
      mutator.reference(object, 1) = mutator.handle(kLeaves);
      if (i % 2 == 0) mutator.handle(kLeaves) = object;
    }
  }
  static TestHeap::Options Options(const Settings& settings) {
    TestHeap::Options options;
    options.capacity_regions = kCapacity;
    options.reserve_regions = kReserve;
    options.workers = 0;
    options.mode = settings.mode;
    options.marker = settings.marker;
    options.verify = settings.verify;
    return options;
  }
  WordIndex NewLeaf(uint32_t value) {
    const WordIndex object = mutator.Allocate(leaf, kPageWords - 1);
    EXPECT(object % kPageWords == 0 && test.heap.regions.use(RegionOf(object)).kind == RegionKind::kLeaf);
    for (uint32_t word = 1; word < kPageWords; ++word) mutator.words(object)[word] = value;
    return object;
  }
  void CheckLeaf(uint32_t i) {
    const uint64_t* const words = mutator.words(mutator.handle(i));
    for (uint32_t word = 2; word < kPageWords; ++word) EXPECT(words[word] == i);
  }
  void CheckPairs() {
    uint32_t expected = kPairs;
    for (WordIndex object(mutator.handle(kLeaves)); object != 0; object = WordIndex(mutator.reference(object, 1))) {
      expected -= 2;
      EXPECT(mutator.words(object)[2] == expected && mutator.reference(object, 0) == mutator.handle(expected % kLeaves));
    }
    EXPECT(expected == 0);
  }
  uint8_t* PageOfLeaf(uint32_t i) { return test.heap.views.mutator_view() + size_t{PageOf(WordIndex(mutator.handle(i)))} * kPageBytes; }
  bool IsLeft(uint32_t i) { return test.collector->pages().IsLeft(PageOf(WordIndex(mutator.handle(i)))); }
  void CollectUntilFlip() {
    mutator.Park();
    test.CollectUntilFlip(false);
    mutator.Unpark();
  }
  void Finish() {
    mutator.Park();
    test.FinishCollection();
    mutator.Unpark();
  }

  TestHeap test;
  const ShapeId leaf = test.DefineShape(0, 0, ElementKind::kData, 3);
  const ShapeId pair = test.DefineShape(2, 1);
  TestMutator mutator{&test};
};

// A page that stays keeps its entry, whatever the phase: nobody faults on it, and the kernel may use its bytes.
void LeavesThatStayAreOrdinaryMemoryInEveryPhase(const Settings& settings) {
  Scene f(settings);
  int ends[2];
  EXPECT(pipe(ends) == 0);
  const auto touch_all = [&] {
    const uint64_t served = f.test.heap.statistics.fault_service.count();
    for (uint32_t i = 0; i < Scene::kLeaves; i += 8) {
      uint8_t* const page = f.PageOfLeaf(i);
      const Result<uint64_t> present = PresentPages(page, kPageBytes);
      EXPECT(!present.ok() || present.value() == 1);
      // Its second word.
      EXPECT(FaultsOfWriting(page + kWordBytes, 1) == 0);
      EXPECT(write(ends[1], page, 100) == 100 && read(ends[0], page, 100) == 100);
      f.CheckLeaf(i);
    }
    // In thread mode earlier ones may not have been counted yet.
    if (TraitsOf(settings.mode).held_by != HeldBy::kThread) EXPECT(f.test.heap.statistics.fault_service.count() == served);
  };
  for (uint32_t cycle = 0; cycle < 3; ++cycle) {
    const uint32_t place = f.mutator.handle(0);
    touch_all();
    f.CollectUntilFlip();
    EXPECT(f.mutator.handle(0) == place);
    if (cycle == 0) EXPECT(f.test.collector->Armed());
    touch_all();
    f.CheckPairs();
    f.Finish();
    touch_all();
    f.CheckPairs();
    // Half of the pairs of each cycle are garbage of the next.
    for (uint32_t i = 0; i < Scene::kPairs; ++i) EXPECT(f.mutator.Allocate(f.pair) != 0);
  }
  EXPECT(Read(f.test.heap.statistics.compacting_cycles) > 0 && Read(f.test.heap.statistics.refused_flips) == 0);
  EXPECT(Read(f.test.heap.statistics.unchanged_pages) == 0);
  close(ends[0]);
  close(ends[1]);
}

uint32_t CallsOf(SystemCall call, const std::function<void()>& run) {
  constexpr uint32_t kMost = 10'000;
  ArmRefusal(call, EIO, kMost, 1);
  run();
  uint32_t left = 0;
  while (Refused(call) == 0) ++left;
  return kMost - left;
}

// Two leaf regions die; their pages are there when a mutator is given them again, before the cycle's end and after it.
void ABufferIsTakenAgainWithoutASystemCall(const Settings& settings) {
  for (const bool armed : {true, false}) {
    Scene f(settings);
    for (uint32_t i = 0; i < 2 * kRegionPages; ++i) f.mutator.handle(i) = 0;
    for (uint32_t i = 0; i < Scene::kPairs; ++i) EXPECT(f.mutator.Allocate(f.pair) != 0);
    // Only the pairs that nobody refers to, and the leaves, are garbage.
    f.mutator.handle(Scene::kLeaves) = 0;
    f.mutator.handle(Scene::kLeaves) = f.mutator.Allocate(f.pair);
    f.CollectUntilFlip();
    EXPECT(f.test.collector->report().sources > 0);
    if (!armed) f.Finish();
    EXPECT(f.test.collector->Armed() == armed);
    for (const SystemCall call : {SystemCall::kPopulate, SystemCall::kContinue}) {
      const uint32_t begin = call == SystemCall::kPopulate ? 0 : kRegionPages;
      const uint32_t calls = CallsOf(call, [&] {
        for (uint32_t i = begin; i < begin + kRegionPages; ++i) f.mutator.handle(i) = f.NewLeaf(i);
      });
      EXPECT(calls == 0);
    }
    if (armed) f.Finish();
    for (uint32_t i = 0; i < Scene::kLeaves; ++i) f.CheckLeaf(i);
  }
}

// Leaves that move: their targets are behind all that holds references, and are held like any target.
void TargetsOfBothKindsAreHeldAndAtTheirEnds(const Settings& settings) {
  Scene f(settings);
  for (uint32_t i = 0; i < Scene::kLeaves; i += 2) f.mutator.handle(i) = 0;
  f.mutator.handle(Scene::kLeaves) = 0;
  for (uint32_t i = 0; i < 100; ++i) f.mutator.handle(Scene::kLeaves + i) = f.mutator.Allocate(f.pair);
  f.CollectUntilFlip();
  const Regions& regions = f.test.heap.regions;
  RegionIndex last_mixed{0};
  RegionIndex first_leaf = regions.end();
  for (const RegionIndex target : f.test.collector->plan().targets()) {
    EXPECT(!f.test.collector->pages().IsLeft(FirstPageOfRegion(target)));
    if (regions.use(target).kind == RegionKind::kMixed) last_mixed = std::max(last_mixed, target);
    if (regions.use(target).kind == RegionKind::kLeaf) first_leaf = std::min(first_leaf, target);
  }
  EXPECT(first_leaf < regions.end() && last_mixed + kCapacity / 2 < first_leaf);
  for (uint32_t i = 1; i < Scene::kLeaves; i += 2) f.CheckLeaf(i);
  f.Finish();
  for (uint32_t i = 1; i < Scene::kLeaves; i += 2) f.CheckLeaf(i);
}

// The kernel refuses one of the ranges; it may have no mapping to spare.  Then all of the view goes.
void WhereARangeIsRefusedAllOfTheViewGoes(FaultModeKind mode) {
  const bool by_protection = TraitsOf(mode).held_by == HeldBy::kSegmentationSignal;
  std::vector<SystemCall> calls = {SystemCall::kMremap, SystemCall::kMprotect};
  if (!by_protection) calls = {SystemCall::kMremap, SystemCall::kRegister, SystemCall::kTakeOut};
  for (const SystemCall call : calls) {
    for (const uint32_t skip : {0u, 1u}) {
      Scene f({mode, MarkerKind::kStopped, true});
      // Those that no pair refers to.
      for (uint32_t i = 1; i < kRegionPages; i += 2) f.mutator.handle(i) = 0;
      ArmRefusal(call, ENOMEM, skip, 1);
      f.CollectUntilFlip();
      ArmRefusal(call, 0, 0, 0);
      const Statistics& statistics = f.test.heap.statistics;
      EXPECT(f.test.collector->Armed() && Read(statistics.refused_flips) == 0 && Read(statistics.taken_ranges) == 1);
      const auto check = [&] {
        for (uint32_t i = 0; i < Scene::kLeaves; i += i < kRegionPages ? 2 : 1) f.CheckLeaf(i);
        f.CheckPairs();
      };
      for (uint32_t i = kRegionPages; i < Scene::kLeaves; ++i) EXPECT(!f.IsLeft(i));
      check();
      f.Finish();
      EXPECT(Read(statistics.unchanged_pages) > 0);
      check();
      // The next flip goes the ordinary way.
      for (uint32_t i = 0; i < kRegionPages; i += 4) f.mutator.handle(i) = 0;
      f.mutator.handle(Scene::kLeaves) = 0;
      f.CollectUntilFlip();
      EXPECT(f.IsLeft(Scene::kLeaves - 1) && Read(statistics.refused_flips) == 0);
      f.Finish();
    }
  }
}

// Random programs where the kinds have an end each, with all that can move and with the usual choice.
void ProgramsFindTheirObjects(const Settings& settings, uint64_t seed) {
  TestHeap::Options options = Scene::Options(settings);
  options.waits_for_memory = false;  // Nobody else collects.
  HeapWithProgram scene(options, seed, {.nodes = 2000, .large_percent = 2, .may_run_out = true});
  TestHeap& test = scene.test;
  uint64_t left = 0;
  for (uint32_t cycle = 0; cycle < 6; ++cycle) {
    scene.program.Steps(ShortForm() ? 1000 : 4000);
    scene.program.mutator().Park();
    test.CollectUntilFlip(cycle % 3 == 2);
    for (const RegionIndex region : test.heap.regions.committed()) {
      if (test.collector->pages().IsLeft(FirstPageOfRegion(region))) left += test.heap.tables.frozen[region].used_pages;
    }
    scene.program.mutator().Unpark();
    scene.program.Steps(500);
    scene.program.CheckAll();
    scene.program.mutator().Park();
    if (test.collector->phase() != Phase::kIdle) test.FinishCollection();
    scene.program.mutator().Unpark();
    scene.program.CheckAll();
  }
  EXPECT(Read(test.heap.statistics.refused_flips) == 0 && left > 0);
}

// --- What is forbidden ------------------------------------------------------------------------------------------------

void ABrokenLawEndsTheProcess(FaultModeKind mode) {
  const auto after_flip = [mode](auto act) {
    return InChild([&] {
      Scene f({mode, MarkerKind::kStopped, false});
      f.CollectUntilFlip();
      CHILD_EXPECT(f.IsLeft(0));
      act(f);
    });
  };
  const Death built = after_flip([](Scene& f) {
    f.test.collector->pages().EnsureBuilt(PageOf(WordIndex(f.mutator.handle(0))), &f.test.heap.statistics.pages_by_workers);
  });
  EXPECT(built.died() && built.said.find("(Y) no page is built that the flip has left in the view") != std::string::npos);
  const Death shown = after_flip([](Scene& f) {
    const PageIndex page = PageOf(WordIndex(f.mutator.handle(0)));
    const uint32_t cycle = f.test.collector->pages().cycle();
    CHILD_EXPECT(f.test.heap.tables.page_states.TryClaim(page, cycle));
    f.test.heap.tables.page_states.Publish(page, cycle);
    f.test.collector->pages().BuildRange(page, 1, &f.test.heap.statistics.pages_by_workers);
  });
  EXPECT(shown.died() && shown.said.find("(Y) no page is shown that the flip has left in the view") != std::string::npos);
  const Death mistaken = after_flip([](Scene& f) {
    f.test.heap.tables.frozen[RegionOf(WordIndex(f.mutator.handle(0)))].kind = RegionKind::kMixed;
    f.test.collector->pages().taken_away().Check();
  });
  EXPECT(mistaken.died() && mistaken.said.find("(Y) what a flip leaves in the view") != std::string::npos);
}

// Where an object without references was, before it moved: noticed in heaps that look for stale references, old words in all others.
void AStaleTouchOfALeafIsNoticedWhereItIsLookedFor(FaultModeKind mode) {
  for (const bool verify : {true, false}) {
    const Death death = InChild([&] {
      Scene f({mode, MarkerKind::kStopped, verify});
      for (uint32_t i = 0; i < kRegionPages; i += 2) f.mutator.handle(i) = 0;
      f.mutator.handle(Scene::kLeaves) = 0;
      const uint32_t before = f.mutator.handle(1);
      f.CollectUntilFlip();
      CHILD_EXPECT(f.mutator.handle(1) != before);
      CHILD_EXPECT(f.mutator.words(before)[2] == 1);
    });
    EXPECT(verify ? death.died() && death.said.find("ERR_STALE_REFERENCE") != std::string::npos : death.exited_with(0));
  }
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261205);
  for (const FaultModeKind mode : FaultingModes()) {
    for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kStopped}) {
      if (!MarkerWorks(marker)) continue;
      for (const bool verify : {false, true}) {
        LeavesThatStayAreOrdinaryMemoryInEveryPhase({mode, marker, verify});
        TargetsOfBothKindsAreHeldAndAtTheirEnds({mode, marker, verify});
        ProgramsFindTheirObjects({mode, marker, verify}, seed);
      }
      ABufferIsTakenAgainWithoutASystemCall({mode, marker, false});
    }
    WhereARangeIsRefusedAllOfTheViewGoes(mode);
  }
  for (const FaultModeKind mode : {FaultModeKind::kSigbus, FaultModeKind::kThread}) {
    if (!ModeWorks(mode)) continue;
    AStaleTouchOfALeafIsNoticedWhereItIsLookedFor(mode);
    if (mode == FaultModeKind::kSigbus) ABrokenLawEndsTheProcess(mode);
  }
  return 0;
}
