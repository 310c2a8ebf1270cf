// The load barrier's invariants (heap/load_barrier.h), one by one, with the flip and the end of a cycle apart.
#include <cinttypes>
#include <thread>

#include "heap/load_barrier.h"
#include "os/clock.h"
#include "os/delays.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

TestHeap::Options OptionsOf(uint32_t capacity) {
  TestHeap::Options options;
  options.mode = FaultModeKind::kLoadBarrier;
  options.capacity_regions = capacity;
  options.reserve_regions = 4;
  options.workers = 0;
  return options;
}

// A list that one handle leads to, with garbage between; every tenth node is longer than a page.
class List {
 public:
  static constexpr uint32_t kNodes = 3000;
  static constexpr uint32_t kLongWords = 700;

  List(TestHeap* test, TestMutator* mutator) : mutator_(*mutator) {
    node_ = test->DefineShape(1, 1, ElementKind::kData, 3);
    for (uint32_t i = 0; i < kNodes; ++i) {
      const uint32_t count = i % 10 == 0 ? kLongWords : i % 7;
      const WordIndex object = mutator_.Allocate(node_, count);
      EXPECT(object != 0);
      mutator_.reference(object, 0) = mutator_.handle(0);
      mutator_.words(object)[2] = i;
      for (uint32_t k = 0; k < count; ++k) mutator_.words(object)[3 + k] = (uint64_t{i} << 32) | k;
      mutator_.handle(0) = object;
      EXPECT(mutator_.Allocate(node_, 20) != 0);
    }
  }

  // Every word of every node, from the newest; `load` reads the reference to the next one.
  template <typename Load>
  void Check(Load load) {
    uint32_t i = kNodes;
    for (WordIndex object = mutator_.handle(0); object != 0; object = load(&mutator_.reference(object, 0))) {
      --i;
      const uint32_t count = i % 10 == 0 ? kLongWords : i % 7;
      EXPECT(mutator_.slots(object)[0] == node_ && mutator_.slots(object)[1] == count && mutator_.words(object)[2] == i);
      for (uint32_t k = 0; k < count; ++k) EXPECT(mutator_.words(object)[3 + k] == ((uint64_t{i} << 32) | k));
    }
    EXPECT(i == 0);
  }

 private:
  TestMutator& mutator_;
  ShapeId node_{0};
};

void ALoadGivesNewAddressesOfWholeObjectsAndHealsItsSlot() {
  TestHeap test(OptionsOf(16));
  TestMutator mutator(&test);
  List list(&test, &mutator);
  for (uint32_t cycle = 0; cycle < 3; ++cycle) {
    mutator.Park();
    test.CollectUntilFlip();
    mutator.Unpark();
    const Statistics& statistics = test.heap.statistics;
    const uint64_t built = Read(statistics.pages_by_mutators);
    const uint64_t settled = Read(statistics.settled_loads);
    list.Check([&](uint32_t* slot) { return mutator.Load(slot); });
    EXPECT(Read(statistics.pages_by_mutators) > built && Read(statistics.settled_loads) > settled);
    // Healed: the plain load gives the same now.
    list.Check([](const uint32_t* slot) { return *slot; });
    mutator.Park();
    test.FinishCollection();
    mutator.Unpark();
    const uint64_t after = Read(statistics.settled_loads);
    list.Check([&](uint32_t* slot) { return mutator.Load(slot); });
    EXPECT(Read(statistics.settled_loads) == after);
  }
}

void WhatRootsLeadToIsBuiltInTheFlip() {
  TestHeap test(OptionsOf(16));
  TestMutator mutator(&test);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  constexpr uint32_t kObjects = 300;
  for (uint32_t i = 0; i < kObjects; ++i) {
    mutator.handle(i) = mutator.Allocate(data, List::kLongWords);
    for (uint32_t k = 1; k <= List::kLongWords; ++k) mutator.words(mutator.handle(i))[k] = (uint64_t{i} << 32) | k;
    EXPECT(mutator.Allocate(data, 100) != 0);
  }
  mutator.Park();
  test.CollectUntilFlip();
  mutator.Unpark();
  for (uint32_t i = 0; i < kObjects; ++i) {
    for (uint32_t k = 1; k <= List::kLongWords; ++k) EXPECT(mutator.words(mutator.handle(i))[k] == ((uint64_t{i} << 32) | k));
  }
  mutator.Park();
  test.FinishCollection();
  mutator.Unpark();
}

void NoSourceIsHandedOutBeforeTheEnd() {
  TestHeap test(OptionsOf(16));
  TestMutator mutator(&test);
  List list(&test, &mutator);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  mutator.Park();
  test.CollectUntilFlip();
  mutator.Unpark();
  const std::vector<RegionIndex> sources = test.collector->plan().sources();
  EXPECT(!sources.empty());
  list.Check([&](uint32_t* slot) { return mutator.Load(slot); });  // Every target page is built: nobody reads the sources any more.
  while (!test.collector->Compact(NowNs() + kNsPerMs)) {
  }
  EXPECT(!test.collector->RecycleSources());
  for (uint32_t i = 0; i < 2000; ++i) {
    const WordIndex object = mutator.Allocate(data, 100);
    EXPECT(object != 0);
    for (const RegionIndex source : sources) EXPECT(RegionOf(object) != source);
  }
  for (const RegionIndex source : sources) EXPECT(test.heap.unsettled[source] == 1);
  mutator.Park();
  test.FinishCollection();
  mutator.Unpark();
  for (const RegionIndex source : sources) {
    EXPECT(test.heap.unsettled[source] == 0 && test.heap.regions.use(source).state == RegionState::kFree);
  }
}

void TheEndWaitsForAThreadThatMayHoldAnOldAddress() {
  TestHeap test(OptionsOf(16));
  TestMutator mutator(&test);
  List list(&test, &mutator);
  mutator.Park();
  test.CollectUntilFlip();
  mutator.Unpark();
  while (!test.collector->Compact(NowNs() + kNsPerMs)) {
  }
  const RegionIndex source = test.collector->plan().sources()[0];
  for (uint32_t i = 0; i < 5; ++i) EXPECT(!test.collector->Finish(NowNs() + kNsPerMs));
  EXPECT(test.heap.unsettled[source] == 1 && test.heap.tables.moving[source] == 1);
  mutator.Park();
  test.FinishCollection();
  mutator.Unpark();
  EXPECT(test.heap.unsettled[source] == 0 && test.heap.statistics.settled_pause.count() == 1);
  list.Check([](const uint32_t* slot) { return *slot; });
}

// A thread swaps the elements of an array that stays where it is, while the collector replaces their old addresses: no store is lost, and
// none is undone.
void AStoreIsNeverOverwritten(uint64_t seed) {
  TestHeap::Options options = OptionsOf(24);
  options.workers = 1;
  options.delay_seed = seed;
  TestHeap test(options);
  const ShapeId array = test.DefineShape(0, 0, ElementKind::kReference, 2);
  const ShapeId item = test.DefineShape(0, 1);
  constexpr uint32_t kItems = 150'000;  // More than half a region: a large object.
  constexpr uint32_t kSwaps = 100'000;
  std::atomic<uint32_t> cycles{0};
  std::atomic<bool> filled{false};
  std::atomic<bool> ended{false};
  std::thread thread([&] {
    TestMutator mutator(&test);
    Random random(seed);
    std::vector<uint32_t> model(kItems);
    mutator.handle(0) = mutator.Allocate(array, kItems);
    const auto slot = [&](uint32_t i) { return &mutator.slots(mutator.handle(0))[kHeaderSlots + i]; };
    for (uint32_t i = 0; i < kItems; ++i) {
      const WordIndex object = mutator.Allocate(item);
      EXPECT(object != 0);
      mutator.words(object)[1] = model[i] = i;
      *slot(i) = object;
      if (i % 3 == 0) EXPECT(mutator.Allocate(item) != 0);
    }
    filled.store(true);
    for (uint32_t round = 0; cycles.load() < 6 || round == 0; ++round) {
      for (uint32_t i = 0; i < kSwaps; ++i) {
        const uint32_t a = random.Below(kItems);
        const uint32_t b = random.Below(kItems);
        const uint32_t first = mutator.Load(slot(a));
        const uint32_t second = mutator.Load(slot(b));
        *slot(a) = second;
        *slot(b) = first;
        std::swap(model[a], model[b]);
        if (i % 64 == 0) mutator.Poll();
      }
      for (uint32_t i = 0; i < kItems; ++i) {
        EXPECT(mutator.words(mutator.Load(slot(i)))[1] == model[i]);
        if (i % 64 == 0) mutator.Poll();
      }
    }
    mutator.Park();
    ended.store(true);
  });
  while (!filled.load()) SleepMs(1);
  while (!ended.load()) {
    test.Collect();
    cycles.fetch_add(1);
  }
  thread.join();
  SetDelaySeed(0);
  const Statistics& statistics = test.heap.statistics;
  std::printf("%" PRIu64 " cycles, %" PRIu64 " loads settled, pages %" PRIu64 " + %" PRIu64 "\n", Read(statistics.compacting_cycles),
              Read(statistics.settled_loads), Read(statistics.pages_by_workers), Read(statistics.pages_by_mutators));
  EXPECT(Read(test.heap.statistics.compacting_cycles) > 0 && Read(test.heap.statistics.in_place_pages) > 0);
  EXPECT(Read(test.heap.statistics.settled_loads) > 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261211);
  ALoadGivesNewAddressesOfWholeObjectsAndHealsItsSlot();
  WhatRootsLeadToIsBuiltInTheFlip();
  NoSourceIsHandedOutBeforeTheEnd();
  TheEndWaitsForAThreadThatMayHoldAnOldAddress();
  AStoreIsNeverOverwritten(seed);
  AStoreIsNeverOverwritten(seed + 1);
  return 0;
}
