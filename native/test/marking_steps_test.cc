// Concurrent marking step by step: what a round finds and what the last pause finds, what has to be noted by hand, what an abandoned
// marking leaves behind, and what the kernel may refuse.
#include "gc/marking/tracing.h"
#include "marking_by_hand.h"
#include "moving_program.h"
#include "os/clock.h"
#include "os/refusals.h"

namespace faultline::test {
namespace {

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
    RefusedTrackingCountsAsWritten(SystemCall::kRegister, 0, seed);
    RefusedTrackingCountsAsWritten(SystemCall::kPagemapScan, 0, seed);
    RefusedTrackingCountsAsWritten(SystemCall::kPagemapScan, 2, seed);
  }
  return 0;
}
