// Weak references, ephemerons and finalizers, step by step: what each of them sees before, during and after the remark pause.
#include "weak_scene.h"

namespace faultline::test {
namespace {

void AWeakSlotFollowsItsObjectAndIsClearedWithIt(MarkerKind marker, FaultModeKind mode) {
  WeakScene scene(marker, mode);
  scene.Make(kA, 0, 1);
  scene.Make(kB, 1, 2);
  scene.mutator.handle(kB) = 0;
  for (int i = 0; i < 3; ++i) {
    scene.Collect();
    EXPECT(scene.Read(0) == scene.mutator.handle(kA) && scene.weak.IdentityOf(scene.Read(0)) == 1);
    EXPECT(scene.Read(1) == 0);
  }
  scene.mutator.handle(kA) = 0;
  scene.Collect();
  EXPECT(scene.Read(0) == 0 && Read(scene.test.heap.statistics.cleared_slots) == 2);
}

// Reading a weak slot while marking is under way makes its object reachable, and marking has to hear of it.
void WhatIsReadWhileMarkingRunsStays(MarkerKind marker, bool through_library) {
  WeakScene scene(marker);
  scene.Make(kA, 0, 1);
  scene.mutator.handle(kA) = 0;
  scene.Begin();
  // Negative control: with a plain load satb does not hear of it.
  const WordIndex object = through_library ? scene.Read(0) : WordIndex(scene.slot(0));
  EXPECT(object != 0);
  scene.mutator.handle(kA) = object;
  if (!through_library) {
    // Nothing may be verified now: the program broke the rules.  Its object is not marked.
    EXPECT(!scene.test.heap.tables.object_starts.Test(object));
    scene.mutator.handle(kA) = 0;
  }
  scene.Remark();
  scene.End();
  EXPECT((scene.Read(0) != 0) == through_library);
  if (through_library) EXPECT(scene.weak.IdentityOf(scene.Read(0)) == 1);
}

void BetweenRemarkAndClearingTheDeadAreGone(MarkerKind marker) {
  WeakScene scene(marker);
  scene.Make(kA, 0, 1);
  scene.Make(kB, 1, 2);
  scene.mutator.handle(kA) = 0;
  scene.Begin();
  scene.Remark();
  EXPECT(scene.collector().weak_pending());
  EXPECT(scene.slot(0) != 0);  // Not cleared yet: a plain load would bring the dead back.
  EXPECT(scene.Read(0) == 0);
  EXPECT(scene.Read(1) == scene.mutator.handle(kB));
  scene.Make(kC, 2, 3);  // Younger than the marking.
  EXPECT(scene.Read(2) == scene.mutator.handle(kC));
  // Negative control: a mutator that was not told reads the dead object.
  uint32_t& access = scene.mutator.mutator().control[control::kWeakAccess];
  const uint32_t guarded = access;
  EXPECT(guarded == static_cast<uint32_t>(WeakAccess::kGuarded));
  access = static_cast<uint32_t>(WeakAccess::kOpen);
  EXPECT(scene.Read(0) != 0);
  access = guarded;
  scene.End();
  EXPECT(access == static_cast<uint32_t>(WeakAccess::kOpen));
  EXPECT(scene.slot(0) == 0 && scene.slot(1) != 0 && scene.slot(2) != 0);
}

void ObjectsAllocatedDuringMarkingKeepTheirWeakSlots(MarkerKind marker) {
  WeakScene scene(marker);
  scene.Make(kA, 0, 1);
  scene.Begin();
  // A weak array that marking has not seen, to an object that it has and to one that it has not.
  scene.mutator.handle(kB) = scene.mutator.Allocate(scene.shapes.weak, 4);
  scene.mutator.reference(scene.mutator.handle(kB), 0) = scene.mutator.handle(kA);
  const WordIndex young = scene.weak.NewNode(2);
  scene.mutator.reference(scene.mutator.handle(kB), 1) = young;
  scene.mutator.handle(kC) = young;
  scene.Remark();
  scene.End();
  for (int i = 0; i < 2; ++i) {
    EXPECT(scene.weak.Read(scene.mutator.handle(kB), 0) == scene.mutator.handle(kA));
    EXPECT(scene.weak.IdentityOf(scene.weak.Read(scene.mutator.handle(kB), 1)) == 2);
    scene.Collect();
  }
  scene.mutator.handle(kA) = scene.mutator.handle(kC) = 0;
  scene.Collect();
  EXPECT(scene.weak.Read(scene.mutator.handle(kB), 0) == 0 && scene.weak.Read(scene.mutator.handle(kB), 1) == 0);
}

void AnEntryLastsAsLongAsItsKey(MarkerKind marker, FaultModeKind mode) {
  WeakScene scene(marker, mode);
  scene.Make(kA, 0, 1);
  scene.Make(kB, 1, 2);
  scene.weak.Set(kMap, kA, kB);  // The value is reachable through its entry only.
  scene.mutator.handle(kB) = 0;
  for (int i = 0; i < 3; ++i) {
    scene.Collect();
    EXPECT(scene.Has(kA, 2) && scene.Read(1) != 0);
  }
  scene.mutator.handle(kA) = 0;
  scene.Collect();
  EXPECT(scene.Read(0) == 0 && scene.Read(1) == 0);
  EXPECT(Read(scene.test.heap.statistics.cleared_ephemerons) == 1);
}

// Key leads to value leads to key, and so on; and values that lead to their own keys keep nothing alive.
void ChainsAndCyclesOfEphemerons(MarkerKind marker) {
  constexpr uint32_t kLength = 12;
  constexpr uint32_t kKeys = 16;
  constexpr uint32_t kValue = 40;
  WeakScene scene(marker);
  for (const bool cycle : {false, true}) {
    for (uint32_t i = 0; i < kLength; ++i) scene.mutator.handle(kKeys + i) = scene.weak.NewNode(100 + i);
    // Backwards, so that a look at the entries in their order resolves one link at a time.
    for (uint32_t i = kLength; i-- > 0;) {
      scene.mutator.handle(kValue) = scene.weak.NewNode(200 + i);
      const uint32_t next = i + 1 < kLength ? i + 1 : cycle ? 0 : i;
      scene.mutator.reference(scene.mutator.handle(kValue), 0) = scene.mutator.handle(kKeys + next);
      scene.weak.Set(kMap, kKeys + i, kValue);
      if (i < 16) scene.slot(i) = scene.mutator.handle(kKeys + i);
    }
    scene.mutator.handle(kValue) = 0;
    for (uint32_t i = 1; i < kLength; ++i) scene.mutator.handle(kKeys + i) = 0;
    scene.Collect();
    for (uint32_t i = 0; i < kLength; ++i) EXPECT(scene.weak.IdentityOf(scene.Read(i)) == 100 + i);
    scene.mutator.handle(kKeys) = 0;
    scene.Collect();
    for (uint32_t i = 0; i < kLength; ++i) EXPECT(scene.Read(i) == 0);
  }
}

void AFinalizerBringsItsObjectBackOnce(MarkerKind marker, FaultModeKind mode) {
  WeakScene scene(marker, mode);
  scene.Make(kA, 0, 1);
  scene.Make(kB, 1, 2);
  scene.Make(kC, 2, 3);
  scene.mutator.reference(scene.mutator.handle(kA), 0) = scene.mutator.handle(kB);  // A leads to B.
  scene.weak.Set(kMap, kA, kC);
  scene.weak.FinalizeLater(kA, 7);
  scene.weak.FinalizeLater(kA, 8);  // Twice: two tokens.
  double token = 0;
  WordIndex object{0};
  scene.Collect();
  EXPECT(!scene.weak.Take(&token, &object) && scene.test.heap.finalizers.waiting() == 2);
  scene.mutator.handle(kA) = scene.mutator.handle(kB) = scene.mutator.handle(kC) = 0;
  scene.Collect();
  // Weak slots and entries are gone, also those of what only A led to; A and B are there.
  EXPECT(scene.Read(0) == 0 && scene.Read(1) == 0 && scene.Read(2) == 0);
  EXPECT(scene.test.heap.finalizers.ready() == 2);
  scene.Collect();  // Resurrected objects stay until they are taken.
  EXPECT(scene.weak.Take(&token, &object) && (token == 7 || token == 8));
  EXPECT(scene.weak.IdentityOf(object) == 1 && scene.weak.IdentityOf(scene.mutator.reference(object, 0)) == 2);
  scene.mutator.handle(kA) = object;
  uint32_t value = 0;
  EXPECT(!scene.weak.Get(kMap, kA, &value));
  double second = 0;
  EXPECT(scene.weak.Take(&second, &object) && token + second == 15 && object == scene.mutator.handle(kA));
  EXPECT(!scene.weak.Take(&second, &object));
  // Kept, and registered again.
  scene.Collect();
  EXPECT(scene.weak.IdentityOf(scene.mutator.handle(kA)) == 1);
  scene.weak.FinalizeLater(kA, 9);
  scene.mutator.handle(kA) = 0;
  scene.Collect();
  EXPECT(scene.weak.Take(&token, &object) && token == 9 && scene.weak.IdentityOf(object) == 1);
  scene.Collect();
  EXPECT(!scene.weak.Take(&token, &object) && scene.test.heap.finalizers.waiting() == 0);
}

// Tables and weak slots that are resurrected themselves: what they hold is decided by what is alive then.
void WhatIsResurrectedHasWeakSlotsOfItsOwn(MarkerKind marker) {
  WeakScene scene(marker);
  scene.mutator.handle(kA) = scene.mutator.Allocate(scene.shapes.map);
  scene.Make(kB, 0, 2);
  scene.Make(kC, 1, 3);
  scene.weak.Set(kA, kB, kC);  // A map that only its finalizer brings back, with a key that …
  scene.weak.Set(kA, kC, kB);  // … is alive, whose value leads to the other key.
  scene.weak.FinalizeLater(kA, 1);
  scene.mutator.handle(kA) = scene.mutator.handle(kC) = 0;
  scene.Collect();
  double token = 0;
  WordIndex object{0};
  EXPECT(scene.weak.Take(&token, &object));
  scene.mutator.handle(kA) = object;
  uint32_t value = 0;
  EXPECT(scene.weak.Get(kA, kB, &value) && scene.weak.IdentityOf(value) == 3);
  scene.mutator.handle(kB) = 0;
  scene.Collect();
  EXPECT(Read(scene.test.heap.statistics.cleared_ephemerons) == 2);
}

// A collection that ends half-way, with its thread, is brought to an end by the next one: the weak phase too.
void ARecoveredCollectionEndsItsWeakPhase(MarkerKind marker) {
  WeakScene scene(marker);
  scene.Make(kA, 0, 1);
  scene.weak.FinalizeLater(kA, 1);
  scene.mutator.handle(kA) = 0;
  scene.Begin();
  scene.Remark();
  EXPECT(scene.collector().weak_pending());
  scene.Parked([&] {
    while (!scene.collector().Recover(NowNs() + kSlice)) {
    }
  });
  EXPECT(!scene.collector().weak_pending() && scene.Read(0) == 0 && scene.test.heap.finalizers.ready() == 1);
  scene.Collect();
  double token = 0;
  WordIndex object{0};
  EXPECT(scene.weak.Take(&token, &object) && scene.weak.IdentityOf(object) == 1);
}

// Tokens without their objects, for threads that are no mutators.
void ATokenTakenWithoutItsObjectLetsItGo(MarkerKind marker) {
  WeakScene scene(marker);
  scene.Make(kA, 0, 1);
  scene.weak.FinalizeLater(kA, 1);
  scene.mutator.handle(kA) = 0;
  scene.Collect();
  const uint64_t before = scene.collector().report().marked_objects;
  double token = 0;
  WordIndex object{1};
  EXPECT(scene.test.heap.finalizers.Take(scene.test.heap, nullptr, &token, &object) && token == 1 && object == 0);
  scene.Collect();
  scene.Collect();
  EXPECT(scene.collector().report().marked_objects == before - 1);
}

void AMapGrowsAndForgetsTheDead(MarkerKind marker) {
  constexpr uint32_t kKeys = 3000;
  TestHeap test(WeakScene::OptionsFor(marker, FaultModeKind::kStw));
  TestMutator mutator(&test, kKeys + 16);
  const WeakShapes shapes(&test);
  WeakStructures weak(&test, &mutator, shapes, kScratch);
  mutator.handle(kMap) = mutator.Allocate(shapes.map);
  for (uint32_t i = 0; i < kKeys; ++i) {
    mutator.handle(16 + i) = weak.NewNode(i);
    mutator.handle(kA) = weak.NewNode(kKeys + i);
    weak.Set(kMap, 16 + i, kA);
  }
  mutator.handle(kA) = 0;
  const auto check = [&](uint32_t step) {
    for (uint32_t i = 0; i < kKeys; ++i) {
      uint32_t value = 0;
      if (mutator.handle(16 + i) == 0) continue;
      EXPECT(weak.Get(kMap, 16 + i, &value) == (i % step == 0));
      if (i % step == 0) EXPECT(weak.IdentityOf(value) == kKeys + i);
    }
  };
  check(1);
  for (uint32_t i = 0; i < kKeys; ++i) {
    if (i % 3 == 1) mutator.handle(16 + i) = 0;
    if (i % 3 == 2) EXPECT(weak.Delete(kMap, 16 + i) && !weak.Delete(kMap, 16 + i));
  }
  mutator.Park();
  test.Collect();
  mutator.Unpark();
  check(3);
  EXPECT(Read(test.heap.statistics.cleared_ephemerons) == kKeys / 3);
  for (uint32_t i = 0; i < kKeys; ++i) {
    if (mutator.handle(16 + i) != 0) weak.Set(kMap, 16 + i, 0);
  }
  uint32_t value = 1;
  EXPECT(weak.Get(kMap, 16, &value) && value == 0);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (!MarkerWorks(marker)) continue;
    for (const FaultModeKind mode : RawLoadModes()) {
      AWeakSlotFollowsItsObjectAndIsClearedWithIt(marker, mode);
      AnEntryLastsAsLongAsItsKey(marker, mode);
      AFinalizerBringsItsObjectBackOnce(marker, mode);
    }
    if (marker != MarkerKind::kStopped) WhatIsReadWhileMarkingRunsStays(marker, true);
    if (marker == MarkerKind::kSatb) WhatIsReadWhileMarkingRunsStays(marker, false);
    BetweenRemarkAndClearingTheDeadAreGone(marker);
    ObjectsAllocatedDuringMarkingKeepTheirWeakSlots(marker);
    ChainsAndCyclesOfEphemerons(marker);
    WhatIsResurrectedHasWeakSlotsOfItsOwn(marker);
    AMapGrowsAndForgetsTheDead(marker);
    ARecoveredCollectionEndsItsWeakPhase(marker);
    ATokenTakenWithoutItsObjectLetsItGo(marker);
  }
}
