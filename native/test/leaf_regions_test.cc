// Leaf regions: what is put there and what is not, that regions change their kind as they are recycled, that no heap is full because of
// kinds, what a compaction does with leaf pages that stay, and that a reference in a leaf's place is found by whoever comes upon it (R).
#include <algorithm>
#include <cinttypes>

#include "child.h"
#include "gc/checking/verification.h"
#include "os/clock.h"

namespace faultline::test {
namespace {

struct Table {
  Table(uint32_t capacity, uint32_t reserve) : marked(capacity + reserve), live(capacity + reserve) {
    EXPECT(regions.Create(capacity, reserve).ok());
  }
  PageRun Take(RegionKind kind, uint32_t pages) { return regions.TakePages(pages, pages, nullptr, kind); }
  RegionKind KindOf(RegionIndex region) const { return regions.use(region).kind; }
  // A marking that finds nothing alive.
  void FreeAll() {
    regions.CloseForMarking(marked.data());
    regions.SweepDead(live.data(), marked.data(), [](WordIndex) { return false; });
    EXPECT(regions.charged() == 0);
  }
  Regions regions;
  std::vector<uint16_t> marked;
  std::vector<uint32_t> live;
};

RegionKind Other(RegionKind kind) { return kind == RegionKind::kLeaf ? RegionKind::kMixed : RegionKind::kLeaf; }

void ObjectsOfOneKindTakeNoRegionMoreThanTheyNeed() {
  for (const RegionKind kind : {RegionKind::kMixed, RegionKind::kLeaf}) {
    Table table(8, 1);
    for (uint32_t pages = 0; pages < 200; pages += 10) EXPECT(table.Take(kind, 10).count == 10);
    EXPECT(table.regions.charged() == 1 && table.KindOf(0_region) == kind);
    EXPECT(RegionOfPage(table.Take(Other(kind), 10).first) == 1);
    EXPECT(table.regions.charged() == 2 && table.KindOf(1_region) == Other(kind) && table.KindOf(0_region) == kind);
  }
}

void ARecycledRegionIsOfTheKindThatItIsTakenFor() {
  for (const RegionKind kind : {RegionKind::kMixed, RegionKind::kLeaf}) {
    Table table(4, 2);
    table.Take(kind, 100);
    EXPECT(table.KindOf(0_region) == kind);
    table.FreeAll();
    table.Take(Other(kind), 100);
    EXPECT(table.KindOf(0_region) == Other(kind));
    table.FreeAll();
    // A large object and its tail.
    const RegionIndex large = RegionOfPage(table.regions.TakeLarge(kRegionWords + 1, nullptr, kind).first);
    EXPECT(table.KindOf(large) == kind && table.KindOf(large + 1) == kind);
    table.regions.CommitLarge(large);
    EXPECT(table.KindOf(large) == kind);
    table.FreeAll();
    const RegionIndex other = RegionOfPage(table.regions.TakeLarge(kRegionWords + 1, nullptr, Other(kind)).first);
    EXPECT(other == large && table.KindOf(large) == Other(kind) && table.KindOf(large + 1) == Other(kind));
    table.regions.AbandonLarge(large);
    EXPECT(table.KindOf(large) == RegionKind::kMixed && table.KindOf(large + 1) == RegionKind::kMixed);
  }
}

void ATargetKeepsItsKindWhenItIsFinished() {
  Table table(4, 2);
  table.Take(RegionKind::kMixed, 200);
  table.Take(RegionKind::kLeaf, 200);
  table.regions.CloseForMarking(table.marked.data());
  std::vector<RegionIndex> targets;
  EXPECT(table.regions.ReserveTargets(2, &targets) == 2);
  table.regions.CommitPlan({0_region, 1_region}, targets, 1);
  EXPECT(table.KindOf(targets[0]) == RegionKind::kMixed && table.KindOf(targets[1]) == RegionKind::kLeaf);
  for (const RegionIndex source : {0_region, 1_region}) table.regions.FreeSource(source);
  for (const RegionIndex target : targets) table.regions.FinishTarget(target, 30);
  EXPECT(table.KindOf(targets[0]) == RegionKind::kMixed && table.KindOf(targets[1]) == RegionKind::kLeaf);
  EXPECT(table.KindOf(0_region) == RegionKind::kMixed && table.KindOf(1_region) == RegionKind::kMixed);
  // What is left of them is filled by objects of their kind.
  table.regions.ReopenPartial();
  EXPECT(RegionOfPage(table.Take(RegionKind::kLeaf, 10).first) == targets[1]);
  EXPECT(RegionOfPage(table.Take(RegionKind::kMixed, 10).first) == targets[0]);
}

void WhereNoRegionIsFreeTheKindsShareWhatIsOpen() {
  Table table(2, 1);
  EXPECT(table.Take(RegionKind::kLeaf, 100).first == 1);
  EXPECT(RegionOfPage(table.Take(RegionKind::kMixed, 200).first) == 1);
  // Leaves go into the mixed region, which stays one.
  EXPECT(table.Take(RegionKind::kLeaf, 155).count == 155);
  EXPECT(RegionOfPage(table.Take(RegionKind::kLeaf, 20).first) == 1 && table.KindOf(1_region) == RegionKind::kMixed);
  EXPECT(table.Take(RegionKind::kMixed, 36).count == 36);
  EXPECT(table.Take(RegionKind::kMixed, 1).count == 0);

  Table other(2, 1);
  EXPECT(other.Take(RegionKind::kMixed, 255).count == 255);
  EXPECT(other.Take(RegionKind::kLeaf, 100).count == 100);
  EXPECT(other.KindOf(1_region) == RegionKind::kLeaf);
  // Others go into the leaf region, which is none from then on.
  const PageRun run = other.Take(RegionKind::kMixed, 50);
  EXPECT(run.first == FirstPageOfRegion(1_region) + 100 && other.KindOf(1_region) == RegionKind::kMixed);
  EXPECT(other.Take(RegionKind::kLeaf, 50).first == run.first + 50);
  EXPECT(other.regions.open_pages() == 56);
}

// (Q) It is no room for those who wait either, and who waits does not keep it from pinnable objects.
void WhatIsLeftOfAPinnableRegionIsForPinnableObjectsOnly() {
  Table table(3, 1);
  EXPECT(table.Take(RegionKind::kPinnable, 10).first == FirstPageOfRegion(3_region));
  EXPECT(table.regions.open_pages() == 0 && table.regions.charged() == 1);
  EXPECT(table.Take(RegionKind::kMixed, 255).count == 255);
  const auto* const waiter = reinterpret_cast<const Mutator*>(uintptr_t{8});
  for (const MemoryQueue::Need need : {MemoryQueue::Need{0, 1}, MemoryQueue::Need{1, 0}}) {
    table.regions.JoinQueue(waiter, need, 0);
    EXPECT(table.Take(RegionKind::kPinnable, 100).count == 100);
    EXPECT(table.Take(RegionKind::kPinnable, 200).count == 0 && (need.pages == 1 || table.Take(RegionKind::kMixed, 1).count == 0));
    table.regions.LeaveQueue(waiter);
  }
  EXPECT(table.Take(RegionKind::kMixed, 156).count == 156);
  // What is left of other regions may move.
  EXPECT(table.Take(RegionKind::kPinnable, 60).count == 0);
  EXPECT(table.Take(RegionKind::kLeaf, 100).count == 100);
  for (const RegionKind kind : {RegionKind::kMixed, RegionKind::kLeaf}) EXPECT(table.Take(kind, 1).count == 0);
  EXPECT(table.Take(RegionKind::kPinnable, 46).count == 46 && table.Take(RegionKind::kPinnable, 1).count == 0);
  EXPECT(table.regions.open_pages() == 0);
}

// Whatever the order: every page of the capacity is handed out once, and (R) no mixed request ever gets a page of a region that is a leaf
// one afterwards.
void NoHeapIsFullBecauseOfKinds(uint64_t seed) {
  Random random(seed);
  const uint32_t capacity = 1 + random.Below(6);
  Table table(capacity, 1);
  const uint32_t leaf_percent = random.Below(101);
  const uint32_t all = capacity * kRegionPages - 1;
  uint32_t pages = 0;
  for (uint32_t turn = 0;; ++turn) {
    const RegionKind kind = random.Chance(leaf_percent) ? RegionKind::kLeaf : RegionKind::kMixed;
    const PageRun run = table.regions.TakePages(1, 1 + random.Below(40), nullptr, kind);
    if (run.count == 0) break;
    pages += run.count;
    EXPECT(kind == RegionKind::kLeaf || table.KindOf(RegionOfPage(run.first)) == RegionKind::kMixed);
    if (turn % 64 == 63) {  // Nothing dies; what is not full may be filled further.
      table.regions.CloseForMarking(table.marked.data());
      table.regions.ReopenPartial();
    }
  }
  EXPECT(pages == all && table.regions.open_pages() == 0);
}

void AShapeIsALeafIfNothingInItRefersToAnything() {
  TestHeap::Options options;
  options.workers = 0;
  for (const uint32_t capacity : {kLeastSeparatedRegions - 1, kLeastSeparatedRegions}) {
    options.capacity_regions = capacity;
    TestHeap test(options);
    const auto expect = [&](ShapeId shape, bool is_leaf) {
      EXPECT(test.heap.shapes[shape].is_leaf() == is_leaf);
      EXPECT((test.heap.KindOf(shape) == RegionKind::kLeaf) == (is_leaf && capacity >= kLeastSeparatedRegions));
    };
    expect(test.DefineShape(0, 0), true);
    expect(test.DefineShape(0, 3), true);
    expect(test.DefineShape(0, 0, ElementKind::kData, 0), true);
    expect(test.DefineShape(0, 2, ElementKind::kData, 3), true);
    expect(test.DefineShape(1, 0), false);
    expect(test.DefineShape(1, 2, ElementKind::kData, 3), false);
    for (const ElementKind kind : {ElementKind::kReference, ElementKind::kTagged, ElementKind::kWeak, ElementKind::kFinalizable}) {
      expect(test.DefineShape(0, 0, kind, 2), false);
    }
    expect(test.DefineShape(0, 0, ElementKind::kEphemeron, 3), false);
    Shape tagged;
    tagged.fixed_words = 2;
    tagged.tagged_fields = 1;
    expect(test.heap.shapes.Define(u"tagged", "", tagged), false);
    EXPECT(test.heap.KindOf(kNoShape) == RegionKind::kMixed);
  }
}

struct Scene {
  explicit Scene(FaultModeKind mode, bool verify = true)
      : test(Options(mode, verify)), mutator(&test), leaf(test.DefineShape(0, 0, ElementKind::kData, 3)), pair(test.DefineShape(2, 1)) {}
  static TestHeap::Options Options(FaultModeKind mode, bool verify) {
    TestHeap::Options options;
    options.mode = mode;
    options.workers = 0;
    options.verify = verify;
    options.capacity_regions = 16;
    options.reserve_regions = 4;
    return options;
  }
  RegionKind RegionKindOf(WordIndex object) { return test.heap.regions.use(RegionOf(object)).kind; }
  void Collect() {
    mutator.Park();
    test.Collect(false);
    mutator.Unpark();
  }
  TestHeap test;
  TestMutator mutator;
  ShapeId leaf;
  ShapeId pair;
};

// A full leaf region stays, next to half empty ones of both kinds that move.
void LeafPagesThatStayAreLeftAsTheyAreAndNeverBuilt(FaultModeKind mode) {
  Scene f(mode);
  constexpr uint32_t kWords = 4 * kPageWords - 1;
  constexpr uint32_t kStaying = 63;  // All of a region but its last few pages; region 0 has a page less.
  const auto fill = [&](WordIndex object, uint32_t value) {
    for (uint32_t i = 1; i <= kWords; ++i) f.mutator.words(object)[i] = uint64_t{value} << 32 | i;
  };
  const auto check = [&](WordIndex object, uint32_t value) {
    for (uint32_t i = 1; i <= kWords; ++i) EXPECT(f.mutator.words(object)[i] == (uint64_t{value} << 32 | i));
  };
  for (uint32_t i = 0; i < kStaying; ++i) {
    f.mutator.handle(i) = f.mutator.Allocate(f.leaf, kWords);
    fill(f.mutator.handle(i), i);
    EXPECT(f.RegionKindOf(f.mutator.handle(i)) == RegionKind::kLeaf);
  }
  // Others of both kinds, of which every second one dies.
  for (uint32_t i = 0; i < 128; ++i) {
    const WordIndex leaf = f.mutator.Allocate(f.leaf, kWords);
    fill(leaf, 1000 + i);
    f.mutator.handle(1000 + i) = leaf;
    const WordIndex pair = f.mutator.Allocate(f.pair);
    EXPECT(f.RegionKindOf(pair) == RegionKind::kMixed);
    f.mutator.reference(pair, 0) = f.mutator.handle(1000 + i);
    f.mutator.reference(pair, 1) = f.mutator.handle(i % kStaying);
    f.mutator.handle(2000 + i) = pair;
    f.mutator.handle(1000 + i) = 0;
    if (i % 2 == 1) f.mutator.handle(2000 + i) = 0;
  }
  const WordIndex large = f.mutator.Allocate(f.leaf, 2 * kRegionWords);
  f.mutator.handle(3000) = large;
  f.mutator.words(large)[kRegionWords + 5] = 77;
  const WordIndex stays = f.mutator.handle(0);
  const WordIndex moves = f.mutator.reference(f.mutator.handle(2000), 0);
  f.Collect();
  const Statistics& statistics = f.test.heap.statistics;
  EXPECT(Read(statistics.compacting_cycles) == 1);
  EXPECT(f.mutator.handle(0) == stays && f.mutator.reference(f.mutator.handle(2000), 0) != moves);
  // The pairs were copied; nothing but leaves stayed.
  EXPECT(Read(statistics.in_place_pages) == 0);
  if (TraitsOf(mode).held_by != HeldBy::kNothing) EXPECT(Read(statistics.unchanged_pages) == 0);
  for (uint32_t i = 0; i < kStaying; ++i) check(f.mutator.handle(i), i);
  for (uint32_t i = 0; i < 128; i += 2) {
    const WordIndex pair = f.mutator.handle(2000 + i);
    const WordIndex leaf(f.mutator.Load(&f.mutator.reference(pair, 0)));
    EXPECT(f.RegionKindOf(pair) == RegionKind::kMixed && f.RegionKindOf(leaf) == RegionKind::kLeaf);
    check(leaf, 1000 + i);
    EXPECT(f.mutator.Load(&f.mutator.reference(pair, 1)) == f.mutator.handle(i % kStaying));
  }
  EXPECT(f.mutator.handle(3000) == large && f.mutator.words(large)[kRegionWords + 5] == 77);
}

// The object's memory says that it is of the other shape, as code would that takes a leaf's place for an object with references.
void Disguise(Scene& f, WordIndex leaf) {
  EXPECT(f.RegionKindOf(leaf) == RegionKind::kLeaf);
  f.test.heap.slots()[uint64_t{leaf} * 2 + 1] = 0;
  f.test.heap.slots()[uint64_t{leaf} * 2] = f.pair;
}

void AReferenceInALeafsPlaceIsFound() {
  const auto dies_of_it = [](const std::function<void(Scene&, WordIndex)>& body) {
    const Death death = InChild([&] {
      Scene f(FaultModeKind::kStw, false);
      // As many words as a pair has.
      const WordIndex leaf = f.mutator.Allocate(f.leaf, 2);
      f.mutator.handle(0) = leaf;
      f.mutator.Park();
      body(f, leaf);
    });
    EXPECT(death.died() && death.said.find("(R)") != std::string::npos);
  };
  // By the verifier, by marking, and by the copy of an object that is made one in between.
  dies_of_it([](Scene& f, WordIndex leaf) {
    Disguise(f, leaf);
    VerifyHeap(f.test.heap);
  });
  dies_of_it([](Scene& f, WordIndex leaf) {
    Disguise(f, leaf);
    f.test.Mark();
  });
  dies_of_it([](Scene& f, WordIndex leaf) {
    f.test.collector->BeginCollection();
    f.test.Mark();
    f.test.collector->Sweep();
    Disguise(f, leaf);
    f.test.collector->MakePlan({RegionOf(leaf)}, 1);
    f.test.ReleaseMarking();
    while (!f.test.collector->FlipPause(kNsPerMs)) {
    }
  });
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261130);
  ObjectsOfOneKindTakeNoRegionMoreThanTheyNeed();
  ARecycledRegionIsOfTheKindThatItIsTakenFor();
  ATargetKeepsItsKindWhenItIsFinished();
  WhereNoRegionIsFreeTheKindsShareWhatIsOpen();
  WhatIsLeftOfAPinnableRegionIsForPinnableObjectsOnly();
  for (uint64_t i = 0; i < 200; ++i) NoHeapIsFullBecauseOfKinds(seed + i);
  AShapeIsALeafIfNothingInItRefersToAnything();
  for (const faultline::FaultModeKind mode : MovingModes()) LeafPagesThatStayAreLeftAsTheyAreAndNeverBuilt(mode);
  AReferenceInALeafsPlaceIsFound();
  return 0;
}
