// What the native benchmarks share: a heap without checks, one cycle step by step, and populations of objects with garbage.
#pragma once

#include <algorithm>
#include <vector>

#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {

inline constexpr uint64_t kForeverNs = ~uint64_t{0};

template <typename T>
T MedianOf(std::vector<T> values) {
  if (values.empty()) return T{};
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One cycle, step by step, with the evacuation of every region that has a quarter of garbage.
class ManualCycle {
 public:
  explicit ManualCycle(TestHeap* test) : test_(test), collector_(*test->collector) {}

  // The caller is parked.  False when there is nothing to move.
  bool UntilPlan() {
    test_->Mark();
    collector_.Sweep();
    std::vector<RegionIndex> sources;
    uint64_t words = 0;
    const SideTables& tables = test_->heap.tables;
    for (RegionIndex region{0}; region < test_->heap.regions.count(); ++region) {
      const uint32_t live = tables.live_word_counts[region];
      const uint64_t used = uint64_t{tables.marked_pages[region]} * kPageWords;
      if (test_->heap.regions.use(region).state != RegionState::kLive || live == 0) continue;
      if (used - live < kRegionWords / 4) continue;
      sources.push_back(region);
      words += live;
    }
    const uint32_t targets = static_cast<uint32_t>(words / kRegionWords + 2);
    const bool moves = collector_.MakePlan(sources, std::min<uint32_t>(targets, static_cast<uint32_t>(sources.size())));
    test_->ReleaseMarking();
    return moves;
  }

  void Flip() {
    while (!collector_.FlipPause(kForeverNs)) {
    }
  }

  void Complete() {
    while (!collector_.Compact(NowNs() + 10 * kNsPerMs)) {
    }
    while (!collector_.Finish(kForeverNs)) {
    }
  }

 private:
  TestHeap* test_;
  Collector& collector_;
};

inline TestHeap::Options BenchOptions(uint32_t capacity_regions, uint32_t workers, FaultModeKind mode = FaultModeKind::kSigbus) {
  TestHeap::Options options;
  options.capacity_regions = capacity_regions;
  options.reserve_regions = std::max(8u, capacity_regions / 8);
  options.tlab_pages = 16;
  options.workers = workers;
  options.verify = false;
  options.fault_around_pages = 1;
  options.mode = mode;
  return options;
}

enum class Graph { kNearby, kRandom, kLeaves };

// Objects of 40 bytes with two references (or of 1 KiB without) and garbage of the same kind between them, held by one
// large array.
class Population {
 public:
  Population(TestHeap* test, TestMutator* mutator, Graph graph, uint32_t bytes, uint32_t garbage_percent = 50)
      : mutator_(mutator), graph_(graph), garbage_percent_(garbage_percent), random_(7) {
    node_ = graph == Graph::kLeaves ? test->DefineShape(0, 127) : test->DefineShape(2, 3);
    array_ = test->DefineShape(0, 0, ElementKind::kReference, 2);
    const uint32_t words = static_cast<uint32_t>(test->heap.shapes[node_].Words(0));
    count_ = static_cast<uint32_t>(uint64_t{bytes} / (words * kWordBytes) * (100 - garbage_percent) / 100);
    const WordIndex array = mutator->Allocate(array_, count_);
    EXPECT(array != 0);
    mutator->handle(0) = array;
    Refill(1);
  }

  // New objects in the place of all old ones, with as much garbage between them.
  void Refill(uint64_t seed) {
    for (uint32_t i = 0; i < count_; ++i) {
      const WordIndex object = mutator_->Allocate(node_);
      EXPECT(object != 0);
      Slot(i) = object;
      while (random_.Chance(garbage_percent_)) EXPECT(mutator_->Allocate(node_) != 0);
    }
    if (graph_ == Graph::kLeaves) return;
    Random random(seed);
    for (uint32_t i = 0; i < count_; ++i) {
      for (uint32_t field = 0; field < 2; ++field) {
        const uint32_t to = graph_ == Graph::kNearby ? (i + random.Below(4096)) % count_ : random.Below(count_);
        mutator_->reference(Slot(i), field) = Slot(to);
      }
    }
  }

  uint32_t count() const { return count_; }
  uint32_t& Slot(uint32_t i) { return mutator_->slots(mutator_->handle(0))[kHeaderSlots + i]; }

 private:
  TestMutator* mutator_;
  Graph graph_;
  uint32_t garbage_percent_;
  Random random_;
  ShapeId node_{0};
  ShapeId array_{0};
  uint32_t count_ = 0;
};

inline double Us(uint64_t ns) { return static_cast<double>(ns) / 1e3; }

inline uint64_t At(const std::vector<uint64_t>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace faultline::test
