// WeakScene: a heap with one mutator, a weak array and a weak map, whose collections a test takes step by step.
#pragma once

#include "os/clock.h"
#include "weak_structures.h"

namespace faultline::test {

inline constexpr uint32_t kArray = 0;
inline constexpr uint32_t kMap = 1;
inline constexpr uint32_t kA = 2;
inline constexpr uint32_t kB = 3;
inline constexpr uint32_t kC = 4;
inline constexpr uint32_t kScratch = 9;
inline constexpr uint64_t kSlice = 5 * kNsPerMs;

struct WeakScene {
  explicit WeakScene(MarkerKind marker, FaultModeKind mode = FaultModeKind::kStw, uint32_t workers = 1, uint32_t handles = 64)
      : test(OptionsFor(marker, mode, workers)), mutator(&test, handles), shapes(&test), weak(&test, &mutator, shapes, kScratch) {
    mutator.handle(kArray) = mutator.Allocate(shapes.weak, 16);
    mutator.handle(kMap) = mutator.Allocate(shapes.map);
  }

  static TestHeap::Options OptionsFor(MarkerKind marker, FaultModeKind mode, uint32_t workers = 1) {
    TestHeap::Options options;
    options.workers = workers;
    options.marker = marker;
    options.mode = mode;
    return options;
  }

  bool concurrent() const { return test.collector->marker().concurrent(); }
  Collector& collector() { return *test.collector; }

  // The steps, with this thread's mutator parked.
  template <typename Step>
  void Parked(Step step) {
    mutator.Park();
    step();
    mutator.Unpark();
  }
  void Begin() {
    Parked([&] {
      while (!collector().PrepareMarking(NowNs() + kSlice)) {
      }
      if (!concurrent()) return;
      while (!collector().RootsPause(kSlice)) {
      }
      while (!collector().Trace(NowNs() + kSlice)) {
      }
    });
  }
  void Remark() {
    Parked([&] {
      while (!collector().MarkPause(kSlice)) {
      }
    });
  }
  void End() {
    Parked([&] {
      while (!collector().ProcessWeak(NowNs() + kSlice)) {
      }
      collector().Sweep();
      collector().MakePlan({}, 0);
      test.ReleaseMarking();
      test.FinishCollection();
    });
  }
  void Collect() {
    Parked([&] { test.Collect(); });
    uint64_t objects = 0;
    Parked([&] {
      while (!collector().VerifyPause(kSlice, &objects)) {
      }
    });
  }

  uint32_t& slot(uint32_t index) { return mutator.reference(mutator.handle(kArray), index); }
  WordIndex Read(uint32_t index) { return weak.Read(mutator.handle(kArray), index); }
  // A node in handle `handle`, and weakly in slot `index`.
  void Make(uint32_t handle, uint32_t index, uint64_t identity) {
    mutator.handle(handle) = weak.NewNode(identity);
    slot(index) = mutator.handle(handle);
  }
  bool Has(uint32_t key, uint64_t identity) {
    uint32_t value = 0;
    return weak.Get(kMap, key, &value) && value != 0 && weak.IdentityOf(value) == identity;
  }

  TestHeap test;
  TestMutator mutator;
  WeakShapes shapes;
  WeakStructures weak;
};

}  // namespace faultline::test
