// Weak structures and a thread that has lost its CPU: a late thread does not change what has since been stored at the same place.
//
// A hook at the point where the thread is late acts as the other threads.
#include <functional>

#include "os/delays.h"
#include "weak_scene.h"

namespace faultline::test {
namespace {

// What happens when a thread comes to `point` for the first time.
DelayPoint meanwhile_at;
std::function<void()> meanwhile;
std::atomic<bool> happened{false};

void At(DelayPoint point, std::function<void()> what) {
  meanwhile_at = point;
  meanwhile = std::move(what);
  happened.store(false);
  SetDelayHook([](DelayPoint here) {
    if (here == meanwhile_at && !happened.exchange(true)) meanwhile();
  });
}
void ExpectThatItHappened() {
  SetDelayHook(nullptr);
  EXPECT(happened.load());
}

constexpr uint32_t kKeys = 1500;  // More than a thread takes at once, and less than three quarters of the table.
constexpr uint32_t kFirstKey = 16;

// A table of kKeys entries that is looked into before the remark pause and in it, so that each of its dead entries is known twice.
struct MapScene : WeakScene {
  MapScene() : WeakScene(MarkerKind::kBarrierFree, FaultModeKind::kStw, 0, 4 * kKeys) {
    for (uint32_t i = 0; i < kKeys; ++i) {
      mutator.handle(kFirstKey + i) = weak.NewNode(i);
      weak.Set(kMap, kFirstKey + i, kFirstKey + i);
    }
  }
  WordIndex table() { return mutator.slots(mutator.handle(kMap))[WeakMapSlots::kTable]; }
  uint32_t pairs() { return mutator.slots(table())[1]; }
  uint32_t key(uint32_t index) { return __atomic_load_n(&mutator.slots(table())[kHeaderSlots + 2 * index], __ATOMIC_ACQUIRE); }
  uint32_t removed() {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pairs(); ++i) count += key(i) == table();
    return count;
  }
  // All keys die but every 16th.
  void KillMost() {
    for (uint32_t i = 0; i < kKeys; ++i) {
      if (i % 16 != 0) mutator.handle(kFirstKey + i) = 0;
    }
  }
  // By writing the others' entries.
  void WriteAllPages() {
    for (uint32_t i = 0; i < kKeys; i += 16) weak.Set(kMap, kFirstKey + i, kFirstKey + i);
  }
  void ProcessWeak() {
    while (!collector().ProcessWeak(NowNs() + kSlice)) {
    }
  }
};

void AnEntryInThePlaceOfADeadOneKeepsItsValue() {
  MapScene scene;
  scene.KillMost();
  scene.Begin();
  scene.WriteAllPages();
  scene.Remark();
  uint32_t next = kFirstKey + kKeys;
  // The collector's thread has found a dead key.  Another one clears all that it gets, and the mutator fills each place at once.
  At(DelayPoint::kClearingPair, [&] {
    std::thread([&] { scene.collector().gang().Serve(0, 10 * kNsPerMs); }).join();
    scene.mutator.Unpark();
    const uint32_t pairs = scene.pairs();
    EXPECT(scene.removed() > 0);
    for (uint32_t tries = 0; tries < 4 * pairs && scene.removed() > 0; ++tries) {
      scene.mutator.handle(kA) = scene.weak.NewNode(next);
      // Keys that others would fill a free place with are left alone.
      if (scene.key(WeakMapHash(scene.test.heap, scene.mutator.handle(kA)) & (pairs - 1)) != scene.table()) continue;
      scene.mutator.handle(next) = scene.mutator.handle(kA);
      scene.weak.Set(kMap, next, next);
      ++next;
    }
    scene.mutator.Park();
  });
  scene.Parked([&] { scene.ProcessWeak(); });
  ExpectThatItHappened();
  EXPECT(next > kFirstKey + kKeys + 500);
  for (uint32_t handle = kFirstKey; handle < next; ++handle) {
    if (scene.mutator.handle(handle) == 0) continue;
    uint32_t value = 0;
    EXPECT(scene.weak.Get(kMap, handle, &value) && value == scene.mutator.handle(handle));
  }
  scene.End();
}

// A mutator moves its map's entries to another table, and while it looks at a dead one the collector removes it.
void WhatWasRemovedWhileItsTableGrewIsNoEntry() {
  MapScene scene;
  for (uint32_t i = 0; i < kKeys; ++i) scene.mutator.handle(kFirstKey + i) = 0;
  scene.Begin();
  scene.Remark();
  uint32_t next = kFirstKey + kKeys;
  const uint32_t pairs = scene.pairs();
  At(DelayPoint::kReadingWeak, [&] {
    std::thread([&] { scene.ProcessWeak(); }).join();
    EXPECT(scene.removed() > 0);
  });
  while (scene.pairs() == pairs) {
    scene.mutator.handle(next) = scene.weak.NewNode(next);
    scene.weak.Set(kMap, next, next);
    ++next;
  }
  ExpectThatItHappened();
  uint32_t entries = 0;
  for (uint32_t i = 0; i < scene.pairs(); ++i) {
    if (scene.key(i) == 0 || scene.key(i) == scene.table()) continue;
    EXPECT(scene.mutator.slots(scene.key(i))[0] == scene.shapes.node);
    ++entries;
  }
  EXPECT(entries == next - kFirstKey - kKeys);
  scene.End();
}

// A read that began before dead objects were cleared gives nothing dead afterwards, whatever has become of the object's memory and marks.
void ALateReadOfAWeakSlotIsNotDeceived(MarkerKind marker, DelayPoint point) {
  for (const bool alive : {false, true}) {
    WeakScene scene(marker, FaultModeKind::kStw, 0);
    scene.Make(kA, 0, 1);
    scene.Make(kB, 1, 2);
    scene.mutator.handle(kA) = 0;
    scene.Begin();
    scene.Remark();
    // None of these steps needs the mutator at a safepoint.
    At(point, [&] {
      std::thread([&] {
        while (!scene.collector().ProcessWeak(NowNs() + kSlice)) {
        }
        scene.collector().Sweep();
        scene.collector().MakePlan({}, 0);
        scene.test.ReleaseMarking();
        scene.test.FinishCollection();
        while (!scene.collector().PrepareMarking(NowNs() + kSlice)) {
        }
      }).join();
    });
    const WordIndex object = scene.Read(alive ? 1 : 0);
    ExpectThatItHappened();
    EXPECT(object == (alive ? scene.mutator.handle(kB) : 0));
  }
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const DelayPoint point : {DelayPoint::kReadingWeak, DelayPoint::kWeakRead}) {
    ALateReadOfAWeakSlotIsNotDeceived(MarkerKind::kStopped, point);
  }
  if (!MarkerWorks(MarkerKind::kBarrierFree)) return kSkipped;
  AnEntryInThePlaceOfADeadOneKeepsItsValue();
  WhatWasRemovedWhileItsTableGrewIsNoEntry();
  return 0;
}
