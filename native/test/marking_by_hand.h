// Marking by hand: one marking, driven step by step, with the mutator's moves in between.
#pragma once

#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {

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

}  // namespace faultline::test
