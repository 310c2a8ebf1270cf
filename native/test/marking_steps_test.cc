// Concurrent marking step by step: what a round finds and what the last pause finds, what has to be noted by hand, what an abandoned
// marking leaves behind, and what the kernel may refuse.
#include <cstring>

#include "faults_of_writing.h"
#include "gc/marking/tracing.h"
#include "moving_program.h"
#include "os/clock.h"
#include "os/refusals.h"

namespace faultline::test {
namespace {

// One marking, driven step by step, with the mutator's moves in between.
struct ByHand {
  explicit ByHand(MarkerKind marker, uint32_t capacity_regions = 64)
      : test(Options(marker, capacity_regions)), mutator(&test), pair(test.DefineShape(2, 1)) {}
  static TestHeap::Options Options(MarkerKind marker, uint32_t capacity_regions) {
    TestHeap::Options options;
    options.marker = marker;
    options.mode = FaultModeKind::kStw;
    options.workers = 0;
    options.verify = false;
    options.capacity_regions = capacity_regions;
    return options;
  }
  WordIndex New(uint64_t identity) {
    const WordIndex object = mutator.Allocate(pair);
    EXPECT(object != 0);
    mutator.words(object)[2] = identity;
    return object;
  }
  void Round() {
    mutator.Park();
    while (!test.collector->RootsPause(kNsPerMs)) {
    }
    while (!test.collector->Trace(NowNs() + kNsPerMs)) {
    }
    mutator.Unpark();
  }
  void Start() {
    while (!test.collector->PrepareMarking(NowNs() + kNsPerMs)) {
    }
    Round();
  }
  // Everything is evacuated; what was missed is gone.
  void End() {
    mutator.Park();
    while (!test.collector->MarkPause(kNsPerMs)) {
    }
    while (!test.collector->ReleaseMarking(NowNs() + kNsPerMs)) {
    }
    mutator.Unpark();
  }
  bool Marked(WordIndex object) { return test.heap.tables.object_starts.Test(object); }
  // As the collector's own code would write it.
  void StoreThroughAlias(WordIndex object, uint32_t field, uint32_t reference) {
    test.heap.slots()[uint64_t{object} * 2 + kHeaderSlots + field] = reference;
  }
  TestHeap test;
  TestMutator mutator;
  ShapeId pair;
};

void AMovedReferenceIsFoundByRoundsAndByThePause(MarkerKind marker) {
  for (const bool with_round : {false, true}) {
    ByHand f(marker);
    f.mutator.handle(0) = f.New(1);
    f.mutator.reference(f.mutator.handle(0), 0) = f.New(2);
    f.mutator.reference(f.mutator.handle(0), 1) = f.New(3);
    f.Start();
    const WordIndex root = f.mutator.handle(0);
    const WordIndex left = f.mutator.reference(root, 0);
    // A new object, hidden behind one that was looked at.
    const WordIndex young = f.New(4);
    f.mutator.Store(&f.mutator.reference(left, 0), young);
    if (with_round && marker == MarkerKind::kBarrierFree) {
      f.Round();
      EXPECT(f.Marked(young));
    }
    f.End();
    EXPECT(f.Marked(root) && f.Marked(left) && f.Marked(f.mutator.reference(root, 1)));
    // The marker that decides at the start knows nothing of it and lets it live; the other one decides.
    EXPECT(f.Marked(young) == (marker == MarkerKind::kBarrierFree));
  }
}

// More than it should look at was written: the pause becomes a round, threads run while it is traced, and the next pause does the rest.
void APauseWithTooMuchToLookAtBecomesARound() {
  ByHand f(MarkerKind::kBarrierFree);
  Collector& collector = *f.test.collector;
  f.mutator.handle(0) = f.New(1);
  f.Start();
  f.Round();
  const WordIndex root = f.mutator.handle(0);
  const WordIndex first = f.New(2);
  f.mutator.Store(&f.mutator.reference(root, 0), first);
  const auto pause = [&](uint64_t most_pages) {
    f.mutator.Park();
    MarkPauseOutcome outcome = MarkPauseOutcome::kNotStopped;
    while (outcome == MarkPauseOutcome::kNotStopped) outcome = collector.MarkPause(kNsPerMs, most_pages);
    f.mutator.Unpark();
    return outcome;
  };
  const uint64_t rounds = collector.report().marking_rounds;
  EXPECT(pause(0) == MarkPauseOutcome::kAnotherRound);
  EXPECT(collector.phase() == Phase::kMarking && collector.report().marking_rounds == rounds + 1);
  while (!collector.Trace(NowNs() + kNsPerMs)) {
  }
  EXPECT(f.Marked(first));
  const WordIndex second = f.New(3);
  f.mutator.Store(&f.mutator.reference(root, 1), second);
  EXPECT(pause(0) == MarkPauseOutcome::kAnotherRound);
  while (!collector.Trace(NowNs() + kNsPerMs)) {
  }
  EXPECT(pause(0) == MarkPauseOutcome::kMarked);  // Nothing was written since.
  EXPECT(f.Marked(root) && f.Marked(first) && f.Marked(second) && collector.report().marked_objects == 3);
  f.test.ReleaseMarking();
}

// The same with as many pages as one pause arms, as several do, and as workers do; some of them noted by hand.  Nothing is missed.
void ManyWrittenPagesAreFoundByWhoeverArmsThem() {
  for (const uint32_t pages : {400u, 1500u, 3000u}) {
    ByHand f(MarkerKind::kBarrierFree);
    Collector& collector = *f.test.collector;
    const ShapeId array = f.test.DefineShape(0, 0, ElementKind::kReference, 2);
    constexpr uint32_t kSlotsOfPage = kPageWords * 2;
    f.mutator.handle(0) = f.mutator.Allocate(array, pages * kSlotsOfPage);
    EXPECT(f.mutator.handle(0) != 0);
    f.Start();
    f.Round();
    const auto pause = [&](uint64_t most_pages) {
      f.mutator.Park();
      MarkPauseOutcome outcome = MarkPauseOutcome::kNotStopped;
      while (outcome == MarkPauseOutcome::kNotStopped) outcome = collector.MarkPause(kNsPerMs, most_pages);
      f.mutator.Unpark();
      return outcome;
    };
    std::vector<WordIndex> stored;
    // Twice, so that pages which one pause armed are written again and found by the next.
    for (uint32_t time = 0; time < 2; ++time) {
      for (uint32_t page = 0; page < pages; ++page) {
        const WordIndex object = f.New(page);
        const uint32_t slot = page * kSlotsOfPage + time;
        if (page % 50 == 7) {
          f.StoreThroughAlias(f.mutator.handle(0), slot, object);
          collector.NoteAliasWrite(PageOf(f.mutator.handle(0)) + page, 1);
        } else {
          f.mutator.Store(&f.mutator.reference(f.mutator.handle(0), slot), object);
        }
        stored.push_back(object);
      }
      const bool by_pauses = pages <= Tracing::kMostLeftForPauses;
      const uint64_t pauses = by_pauses ? pages / Tracing::kMostArmedInPause + 1 : 1;
      for (uint64_t i = 0; i < pauses; ++i) {
        EXPECT(pause(100) == MarkPauseOutcome::kAnotherRound);
        while (!collector.Trace(NowNs() + kNsPerMs)) {
        }
        EXPECT((collector.marker().written_pages() <= Tracing::kMostArmedInPause) == by_pauses);
      }
      for (const WordIndex object : stored) EXPECT(f.Marked(object));
    }
    EXPECT(pause(100) == MarkPauseOutcome::kMarked);
    EXPECT(collector.report().marked_objects == stored.size() + 1);
    f.test.ReleaseMarking();
  }
}

// Given up between such a pause and its tracing, too.
void ARoundThatAPauseBecameCanBeGivenUp() {
  ByHand f(MarkerKind::kBarrierFree);
  f.mutator.handle(0) = f.New(1);
  f.Start();
  f.mutator.reference(f.mutator.handle(0), 0) = f.New(2);
  f.mutator.Park();
  MarkPauseOutcome outcome = MarkPauseOutcome::kNotStopped;
  while (outcome == MarkPauseOutcome::kNotStopped) outcome = f.test.collector->MarkPause(kNsPerMs, 0);
  EXPECT(outcome == MarkPauseOutcome::kAnotherRound);
  while (!f.test.collector->Recover(NowNs() + kNsPerMs)) {
  }
  f.mutator.Unpark();
  f.Start();
  f.End();
  EXPECT(f.test.collector->report().marked_objects == 2);
}

// The kernel sees nothing of writes through the alias.  Noted, they count; and they do need the note: without it the object is missed.
void AWriteThroughTheAliasHasToBeNoted() {
  for (const bool noted : {true, false}) {
    ByHand f(MarkerKind::kBarrierFree);
    f.mutator.handle(0) = f.New(1);
    f.mutator.handle(1) = f.New(2);
    const WordIndex hidden = f.New(3);
    f.mutator.reference(f.mutator.handle(1), 0) = hidden;
    f.test.heap.regions.ReopenPartial();
    while (!f.test.collector->PrepareMarking(NowNs() + kNsPerMs)) {
    }
    // The only reference is in nobody's sight while marking looks, and then where it has looked already.
    f.mutator.reference(f.mutator.handle(1), 0) = 0;
    f.Round();
    f.Round();  // The page that was written is clean again after this.
    EXPECT(!f.Marked(hidden));
    f.StoreThroughAlias(f.mutator.handle(0), 0, hidden);
    if (noted) f.test.collector->NoteAliasWrite(PageOf(f.mutator.handle(0)), 1);
    f.End();
    EXPECT(f.Marked(hidden) == noted);
  }
}

// (R) A leaf page is not armed, so a write to it costs nothing and is nobody's to look at; small objects and large ones.
void LeafPagesAreNeitherArmedNorLookedAt() {
  for (const uint32_t words : {40 * kPageWords, 2 * kRegionWords}) {
    ByHand f(MarkerKind::kBarrierFree);
    const ShapeId shapes[] = {f.test.DefineShape(0, 0, ElementKind::kData, 3), f.test.DefineShape(0, 0, ElementKind::kReference, 2)};
    const uint32_t pages = words / kPageWords - 1;
    uint8_t* written[2];
    for (uint32_t i = 0; i < 2; ++i) {
      f.mutator.handle(i) = f.mutator.Allocate(shapes[i], i == 0 ? words : 2 * words);
      // Behind the header's page.
      written[i] = f.test.heap.views.mutator_view() + (size_t{PageOf(f.mutator.handle(i))} + 1) * kPageBytes;
      FaultsOfWriting(written[i], pages);
      memset(written[i], 0, pages * kPageBytes);
    }
    f.Start();
    f.Round();
    EXPECT(FaultsOfWriting(written[0], pages) == 0 && FaultsOfWriting(written[1], pages) >= pages);
    memset(written[1], 0, pages * kPageBytes);
    f.mutator.Park();
    while (f.test.collector->MarkPause(kNsPerMs, ~uint64_t{0}) == MarkPauseOutcome::kNotStopped) {
    }
    EXPECT(f.test.collector->report().remark_pages == pages);
    f.test.ReleaseMarking();
    f.mutator.Unpark();
  }
}

// Written pages on both sides of a leaf region are armed by one call each: what lies between counts as written and is none of them.
void ALeafRegionBetweenWrittenPagesIsNotScanned() {
  ByHand f(MarkerKind::kBarrierFree, kLeastSeparatedRegions);
  Collector& collector = *f.test.collector;
  const ShapeId leaf = f.test.DefineShape(0, 0, ElementKind::kData, 3);
  const ShapeId array = f.test.DefineShape(0, 0, ElementKind::kReference, 2);
  for (uint32_t i = 0; i < 2; ++i) f.mutator.handle(i) = f.mutator.Allocate(array, 120 * kPageWords * 2);
  f.mutator.handle(2) = f.mutator.Allocate(leaf, 100 * kPageWords);
  f.mutator.handle(3) = f.mutator.Allocate(array, 120 * kPageWords * 2);
  const auto region = [&](uint32_t handle) { return RegionOf(f.mutator.handle(handle)); };
  EXPECT(region(1) + 1 == region(2) && region(2) + 1 == region(3));
  f.Start();
  f.Round();
  const auto write = [&](uint32_t handle, uint32_t page) {
    f.mutator.Store(&f.mutator.reference(f.mutator.handle(handle), page * kPageWords * 2), f.mutator.handle(0));
  };
  write(1, 115);
  write(3, 3);
  f.mutator.Park();
  MarkPauseOutcome outcome = MarkPauseOutcome::kNotStopped;
  while (outcome == MarkPauseOutcome::kNotStopped) outcome = collector.MarkPause(kNsPerMs, 0);
  EXPECT(outcome == MarkPauseOutcome::kAnotherRound && collector.marker().written_pages() == 2);
  f.mutator.Unpark();
  EXPECT(FaultsOfWriting(f.test.heap.views.mutator_view() + size_t{region(2)} * kRegionBytes + kPageBytes, 90) == 0);
  f.End();
}

// A leaf region that becomes a mixed one while marking runs was never armed.  All of it counts as written.
void ALeafRegionThatIsMixedWhileMarkingRunsIsLookedAt() {
  ByHand f(MarkerKind::kBarrierFree, kLeastSeparatedRegions);
  const ShapeId leaf = f.test.DefineShape(0, 0, ElementKind::kData, 3);
  const ShapeId array = f.test.DefineShape(0, 0, ElementKind::kReference, 2);
  f.mutator.handle(0) = f.mutator.Allocate(leaf, 1);
  const RegionIndex region = RegionOf(f.mutator.handle(0));
  const auto kind = [&] { return f.test.heap.regions.use(region).kind; };
  // No other region is free then.
  f.mutator.handle(1) = f.New(1);
  f.mutator.handle(2) = f.mutator.Allocate(array, ((kLeastSeparatedRegions - 2) * kRegionWords - 1) * 2);
  EXPECT(f.mutator.handle(2) != 0 && kind() == RegionKind::kLeaf);
  f.Start();
  WordIndex object = f.New(2);
  while (RegionOf(object) != region) object = f.New(2);
  EXPECT(kind() == RegionKind::kMixed);
  f.mutator.handle(3) = object;
  f.Round();
  EXPECT(f.Marked(object));
  const WordIndex hidden = f.New(3);
  f.mutator.Store(&f.mutator.reference(f.mutator.handle(3), 0), hidden);
  f.End();
  EXPECT(f.Marked(hidden) && f.Marked(f.mutator.handle(0)));
}

// Writes are tracked up to where the leaf regions at the back begin, which may be the heap's first ones.  An array of references that is
// allocated while marking runs lies behind that.
struct ArrayBehindTheTrackedPart : ByHand {
  explicit ArrayBehindTheTrackedPart(bool tracks_something) : ByHand(MarkerKind::kBarrierFree, kLeastSeparatedRegions) {
    // Not all of a region, but no array fits into the rest.
    for (uint32_t i = 0; tracks_something && i < 2; ++i) mutator.handle(i) = mutator.Allocate(array, kPages * kSlotsOfPage);
    mutator.handle(2) = mutator.Allocate(test.DefineShape(0, 0, ElementKind::kData, 3), 1);
    Start();
    mutator.handle(3) = mutator.Allocate(array, kPages * kSlotsOfPage);
    EXPECT(RegionOf(WordIndex(mutator.handle(3))) > RegionOf(WordIndex(mutator.handle(2))));
  }
  void StoreOnPage(uint32_t page, WordIndex object) { mutator.Store(&mutator.reference(mutator.handle(3), page * kSlotsOfPage), object); }
  uint64_t WrittenPages() { return test.collector->marker().written_pages(); }

  static constexpr uint32_t kPages = 120;
  static constexpr uint32_t kSlotsOfPage = kPageWords * 2;
  const ShapeId array = test.DefineShape(0, 0, ElementKind::kReference, 2);
};

// All of it counts as written, until the next round: from then on writes to it are tracked.
void WhatIsTakenBehindTheTrackedPartIsLookedAtAndThenTracked() {
  for (const bool tracks_something : {false, true}) {
    ArrayBehindTheTrackedPart f(tracks_something);
    f.Round();
    EXPECT(f.Marked(f.mutator.handle(3)) && f.WrittenPages() >= f.kPages);
    f.Round();
    EXPECT(f.WrittenPages() == 0);
    const WordIndex hidden = f.New(1);
    f.StoreOnPage(7, hidden);
    f.Round();
    // And the new object's own page, with those behind it that its thread was given.
    EXPECT(f.Marked(hidden) && f.WrittenPages() < f.kPages / 4);
    f.End();
  }
}

// What the kernel refuses to track counts as written in every round and in the pause.
void WhatCannotBeTrackedIsLookedAtEachTime() {
  for (const bool tracks_something : {false, true}) {
    for (const bool with_round : {false, true}) {
      ArrayBehindTheTrackedPart f(tracks_something);
      ArmRefusal(SystemCall::kRegister, ENOMEM, 0, 1000);
      for (uint32_t round = 0; round < 2; ++round) {
        f.Round();
        EXPECT(f.Marked(f.mutator.handle(3)) && f.WrittenPages() >= f.kPages);
      }
      const WordIndex hidden = f.New(1);
      f.StoreOnPage(7, hidden);
      if (with_round) {
        f.Round();
        EXPECT(f.Marked(hidden));
      }
      f.End();
      ArmRefusal(SystemCall::kRegister, 0, 0, 0);
      EXPECT(f.Marked(hidden));
    }
  }
}

// The kernel leaves what it tracks read-only; it does not track what lies behind the last region with references.
void LeavesBehindTheTrackedPartRemainWritable() {
  ByHand f(MarkerKind::kBarrierFree, 2 * kLeastRegionsWithTwoEnds);
  const ShapeId leaf = f.test.DefineShape(0, 0, ElementKind::kData, 3);
  constexpr uint32_t kPages = 100;
  f.mutator.handle(0) = f.New(1);
  f.mutator.handle(1) = f.mutator.Allocate(leaf, kPages * kPageWords);
  uint8_t* const words = reinterpret_cast<uint8_t*>(f.mutator.words(f.mutator.handle(1)) + 1);
  const auto faults = [&] { return FaultsOfWriting(words, kPages); };
  f.Start();
  EXPECT(faults() <= kPages && faults() == 0);
  f.Round();
  EXPECT(faults() == 0);
  f.End();
  EXPECT(faults() == 0 && f.Marked(f.mutator.handle(0)) && f.Marked(f.mutator.handle(1)));
}

// Another cycle's marks are gone when a marking was given up half way, and the next one finds everything.
void AMarkingThatIsGivenUpLeavesNothingBehind(MarkerKind marker) {
  ByHand f(marker);
  f.mutator.handle(0) = f.New(1);
  f.mutator.reference(f.mutator.handle(0), 0) = f.New(2);
  for (uint32_t steps = 0; steps <= 3; ++steps) {
    if (steps > 0) {
      while (!f.test.collector->PrepareMarking(NowNs() + kNsPerMs)) {
      }
    }
    if (steps > 1) f.Round();
    if (steps > 2 && marker == MarkerKind::kBarrierFree) f.Round();
    while (!f.test.collector->Recover(NowNs() + kNsPerMs)) {
    }
    EXPECT(f.test.collector->phase() == Phase::kIdle);
    const WordIndex dropped = f.mutator.reference(f.mutator.handle(0), 0);
    f.mutator.Store(&f.mutator.reference(f.mutator.handle(0), 0), f.New(2));
    f.Start();
    f.End();
    EXPECT(f.Marked(f.mutator.handle(0)) && f.test.collector->report().marked_objects == 2 && !f.Marked(dropped));
    while (!f.test.collector->Recover(NowNs() + kNsPerMs)) {
    }
  }
}

// Whatever the kernel refuses counts as written: marking takes longer and is right all the same.
void RefusedTrackingCountsAsWritten(SystemCall call, uint32_t skip, uint64_t seed) {
  TestHeap::Options options;
  options.marker = MarkerKind::kBarrierFree;
  options.mode = FaultModeKind::kStw;
  options.workers = 1;
  options.capacity_regions = 8;
  TestHeap test(options);
  const MovingShapes shapes(&test);
  MovingProgram program(&test, shapes, seed, {});
  EXPECT(program.Fill());
  test.StartControl();
  for (uint32_t round = 0; round < 6; ++round) {
    if (round % 2 == 0) ArmRefusal(call, ENOMEM, skip, round == 0 ? 1 : 1000);
    for (const uint64_t before = Read(test.heap.statistics.cycles); Read(test.heap.statistics.cycles) == before;) {
      test.Request();
      EXPECT(program.Steps(200));
    }
    program.CheckAll();
    ArmRefusal(call, 0, 0, 0);
  }
  EXPECT(Read(test.heap.statistics.refused_scans) > 0);
  program.CheckAll();
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261203);
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb}) {
    if (!MarkerWorks(marker)) continue;
    AMovedReferenceIsFoundByRoundsAndByThePause(marker);
    AMarkingThatIsGivenUpLeavesNothingBehind(marker);
  }
  if (MarkerWorks(MarkerKind::kBarrierFree)) {
    APauseWithTooMuchToLookAtBecomesARound();
    ManyWrittenPagesAreFoundByWhoeverArmsThem();
    ARoundThatAPauseBecameCanBeGivenUp();
    AWriteThroughTheAliasHasToBeNoted();
    LeafPagesAreNeitherArmedNorLookedAt();
    ALeafRegionBetweenWrittenPagesIsNotScanned();
    ALeafRegionThatIsMixedWhileMarkingRunsIsLookedAt();
    WhatIsTakenBehindTheTrackedPartIsLookedAtAndThenTracked();
    WhatCannotBeTrackedIsLookedAtEachTime();
    LeavesBehindTheTrackedPartRemainWritable();
    RefusedTrackingCountsAsWritten(SystemCall::kRegister, 0, seed);
    RefusedTrackingCountsAsWritten(SystemCall::kPagemapScan, 0, seed);
    RefusedTrackingCountsAsWritten(SystemCall::kPagemapScan, 2, seed);
  }
  return 0;
}
