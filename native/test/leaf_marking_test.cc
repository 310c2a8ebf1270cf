// Leaf regions while marking runs: their pages are neither armed nor looked at, writes are tracked up to where they begin, and what is
// taken for other objects behind that, or in them, is looked at.
#include <cstring>

#include "faults_of_writing.h"
#include "marking_by_hand.h"
#include "os/refusals.h"

namespace faultline::test {
namespace {

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

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  if (!MarkerWorks(faultline::MarkerKind::kBarrierFree)) return kSkipped;
  LeafPagesAreNeitherArmedNorLookedAt();
  ALeafRegionBetweenWrittenPagesIsNotScanned();
  ALeafRegionThatIsMixedWhileMarkingRunsIsLookedAt();
  WhatIsTakenBehindTheTrackedPartIsLookedAtAndThenTracked();
  WhatCannotBeTrackedIsLookedAtEachTime();
  LeavesBehindTheTrackedPartRemainWritable();
  return 0;
}
