// Marking finds everything that is reachable, and nothing else, whatever the graph's shape and however many workers help.
#include <cinttypes>

#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

struct Fixture {
  explicit Fixture(uint32_t workers) : test(Options(workers)), mutator(&test) {
    pair = test.DefineShape(2, 1);
    array = test.DefineShape(0, 0, ElementKind::kReference, 2);
  }
  static TestHeap::Options Options(uint32_t workers) {
    TestHeap::Options options;
    options.mode = FaultModeKind::kStw;
    options.capacity_regions = 16;
    options.workers = workers;
    return options;
  }
  // `handle` 1 holds the newest object while `into` may move.
  WordIndex NewPair() {
    const WordIndex object = mutator.Allocate(pair);
    EXPECT(object != 0);
    mutator.words(object)[2] = ++made;
    return object;
  }
  uint64_t Collect() {
    mutator.Park();
    test.Collect();
    mutator.Unpark();
    return test.collector->report().marked_objects;
  }
  TestHeap test;
  TestMutator mutator;
  ShapeId pair{0};
  ShapeId array{0};
  uint64_t made = 0;
};

// Each element is the only way to its object.  Long arrays are traced in slices of 4096 elements.
void EveryElementOfAnArrayCounts(uint32_t workers) {
  for (const uint32_t count : {1u, 4095u, 4096u, 4097u, 8191u, 8192u, 8193u, 2 * kLargeObjectWords + 5}) {
    Fixture f(workers);
    f.mutator.handle(0) = f.mutator.Allocate(f.array, count);
    const uint32_t step = count > 10000 ? 97 : 1;
    uint64_t objects = 1;
    std::vector<uint32_t> elements;
    for (uint32_t i = 0; i < count; i += step) elements.push_back(i);
    if (elements.back() != count - 1) elements.push_back(count - 1);
    for (const uint32_t i : elements) {
      f.NewPair();  // Garbage.
      const WordIndex object = f.NewPair();
      f.mutator.words(object)[2] = i;
      f.mutator.reference(f.mutator.handle(0), i) = object;
      ++objects;
    }
    for (uint32_t round = 0; round < 2; ++round) {
      EXPECT(f.Collect() == objects);
      for (const uint32_t i : elements) EXPECT(f.mutator.words(f.mutator.reference(f.mutator.handle(0), i))[2] == i);
    }
  }
}

void AListIsFollowedToItsEnd(uint32_t workers) {
  Fixture f(workers);
  constexpr uint32_t kLength = 60'000;
  for (uint32_t i = 0; i < kLength; ++i) {
    const WordIndex object = f.NewPair();
    f.mutator.reference(object, i % 2) = f.mutator.handle(0);
    f.mutator.handle(0) = object;
  }
  EXPECT(f.Collect() == kLength);
  WordIndex at = f.mutator.handle(0);
  for (uint32_t i = kLength; i-- > 0;) {
    EXPECT(f.mutator.words(at)[2] == i + 1);
    at = f.mutator.reference(at, i % 2);
  }
  EXPECT(at == 0);
}

void ATreeIsFoundWholeByAnyNumberOfWorkers(uint32_t workers) {
  Fixture f(workers);
  constexpr uint32_t kDepth = 16;
  // Handle d holds a finished subtree of depth d, if any (as carries of a binary counter).
  for (uint32_t leaf = 0; leaf < 1u << kDepth; ++leaf) {
    uint32_t depth = 0;
    f.mutator.handle(kDepth + 1) = 0;
    while (((leaf >> depth) & 1) != 0) {
      const WordIndex parent = f.NewPair();
      f.mutator.reference(parent, 0) = f.mutator.handle(depth);
      f.mutator.reference(parent, 1) = f.mutator.handle(kDepth + 1);
      f.mutator.handle(depth) = 0;
      f.mutator.handle(kDepth + 1) = parent;
      ++depth;
    }
    if (f.mutator.handle(kDepth + 1) == 0) f.mutator.handle(kDepth + 1) = f.NewPair();
    f.mutator.handle(depth) = f.mutator.handle(kDepth + 1);
  }
  f.mutator.handle(kDepth + 1) = 0;
  for (uint32_t round = 0; round < 3; ++round) EXPECT(f.Collect() == f.made);
  f.mutator.handle(kDepth) = 0;
  EXPECT(f.Collect() == 0 && f.test.heap.regions.charged() == 0);
}

void ACircleIsMarkedOnceAndDiesAsAWhole() {
  Fixture f(1);
  const WordIndex a = f.NewPair();
  f.mutator.handle(0) = a;
  const WordIndex b = f.NewPair();
  f.mutator.reference(f.mutator.handle(0), 0) = b;
  f.mutator.reference(b, 0) = f.mutator.handle(0);
  f.mutator.reference(b, 1) = b;
  EXPECT(f.Collect() == 2);
  f.mutator.handle(0) = 0;
  EXPECT(f.Collect() == 0);
}

// Shared roots, handles, local roots and the embedder's ranges all hold what they refer to, and are all rewritten.
void EveryKindOfRootHoldsItsObject() {
  Fixture f(1);
  uint32_t slots[4] = {};
  uint32_t used = 3;
  const uint32_t range = f.mutator.mutator().ranges.Add(slots, &used, 4);
  slots[0] = f.NewPair();
  slots[2] = f.NewPair();
  slots[3] = f.NewPair();  // Behind `used`: not a root.
  f.test.heap.shared_roots[0] = f.NewPair();
  f.test.heap.shared_roots[kSharedRootSlots - 1] = f.NewPair();
  f.mutator.handle(7) = f.NewPair();
  EXPECT(f.Collect() == 5);
  EXPECT(f.mutator.words(slots[0])[2] == 1 && f.mutator.words(slots[2])[2] == 2);
  EXPECT(f.mutator.words(f.test.heap.shared_roots[0])[2] == 4);
  EXPECT(f.mutator.words(f.test.heap.shared_roots[kSharedRootSlots - 1])[2] == 5);
  EXPECT(f.mutator.words(f.mutator.handle(7))[2] == 6);
  f.mutator.mutator().ranges.Remove(range);
  EXPECT(f.Collect() == 3);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  for (uint32_t workers = 0; workers <= 3; ++workers) {
    EveryElementOfAnArrayCounts(workers);
    AListIsFollowedToItsEnd(workers);
    ATreeIsFoundWholeByAnyNumberOfWorkers(workers);
  }
  ACircleIsMarkedOnceAndDiesAsAWhole();
  EveryKindOfRootHoldsItsObject();
  return 0;
}
