// Long runs of roots (D): what pauses do with copies of them is what they would do with each root by itself, whatever is stored, released
// or destroyed between two pauses.
#include <algorithm>
#include <cinttypes>
#include <memory>
#include <vector>

#include "gc/root_copies.h"
#include "heap/thread_state.h"
#include "os/clock.h"
#include "os/delays.h"
#include "root_thread.h"

namespace faultline::test {
namespace {

constexpr uint32_t kHandles = 3 * RootCopies::kLeastSlots;
constexpr uint32_t kRangeSlots = 2 * RootCopies::kLeastSlots;

uint64_t Slice() { return NowNs() + 5 * kNsPerMs; }

// A run of slots, and what is in each: 0, a small integer, or the number of the object that it refers to.
struct Run {
  uint32_t* slots = nullptr;
  std::vector<uint32_t> expected;
};

// Roots with a model of what they hold.  All calls but the first are made by the roots' thread.
class ModelledRoots {
 public:
  ModelledRoots(ShapeId node, uint64_t seed) : node_(node), random_(seed) {}

  void Begin(TestMutator& mutator) {
    mutator.handle(kHandles - 1) = 0;
    handles_.slots = &mutator.handle(0);
    handles_.expected.assign(kHandles, 0);
    for (uint32_t i = 0; i < kHandles; ++i) Store(mutator, handles_, i);
    for (uint32_t i = 0; i < 2; ++i) AddRange(mutator);
  }

  // Handles are made, released and overwritten; ranges grow, shrink, come and go.
  void Change(TestMutator& mutator, uint32_t stores) {
    for (uint32_t i = 0; i < stores; ++i) Store(mutator, handles_, random_.Below(kHandles));
    for (const std::unique_ptr<Range>& range : ranges_) {
      const uint32_t used = random_.Below(kRangeSlots + 1);
      while (range->used < used) {
        Store(mutator, range->run, range->used);
        ++range->used;
      }
      range->used = used;  // Slots above those that count are left as they are.
      for (uint32_t i = 0; i < stores && used > 0; ++i) Store(mutator, range->run, random_.Below(used));
    }
    if (random_.Chance(30)) RemoveRange(mutator);
    if (ranges_.size() < 3 && random_.Chance(40)) AddRange(mutator);
  }

  void Check(TestMutator& mutator) {
    Check(mutator, handles_, kHandles);
    for (const std::unique_ptr<Range>& range : ranges_) Check(mutator, range->run, range->used);
  }

  void End(TestMutator& mutator) {
    while (!ranges_.empty()) RemoveRange(mutator);
  }

 private:
  struct Range {
    std::vector<uint32_t> memory = std::vector<uint32_t>(kRangeSlots);
    Run run;
    uint32_t used = 0;
    uint32_t id = 0;
  };

  void Store(TestMutator& mutator, Run& run, uint32_t index) {
    const uint32_t kind = random_.Below(10);
    if (kind == 0) {
      run.slots[index] = run.expected[index] = 0;
    } else if (kind == 1) {
      run.slots[index] = run.expected[index] = kSmallIntegerBit | random_.Below(1000);
    } else if (kind < 5) {
      const uint32_t from = random_.Below(kHandles);
      run.slots[index] = handles_.slots[from];
      run.expected[index] = handles_.expected[from];
    } else {
      const WordIndex object = mutator.Allocate(node_);
      EXPECT(object != 0);
      mutator.words(object)[2] = ++objects_;
      run.slots[index] = object;
      run.expected[index] = objects_;
    }
  }

  void Check(TestMutator& mutator, const Run& run, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t slot = run.slots[i];
      if (!IsReference(run.expected[i])) {
        EXPECT(slot == run.expected[i]);
      } else {
        EXPECT(IsReference(slot) && mutator.slots(WordIndex(slot))[0] == node_ && mutator.words(WordIndex(slot))[2] == run.expected[i]);
      }
    }
  }

  void AddRange(TestMutator& mutator) {
    ranges_.push_back(std::make_unique<Range>());
    Range& range = *ranges_.back();
    range.run.slots = range.memory.data();
    range.run.expected.resize(kRangeSlots);
    ChangeRoots(mutator.mutator(), WaitWatch::Never(),
                [&] { range.id = mutator.mutator().ranges.Add(range.run.slots, &range.used, kRangeSlots); });
  }

  void RemoveRange(TestMutator& mutator) {
    if (ranges_.empty()) return;
    std::swap(ranges_[random_.Below(static_cast<uint32_t>(ranges_.size()))], ranges_.back());
    ChangeRoots(mutator.mutator(), WaitWatch::Never(), [&] { mutator.mutator().ranges.Remove(ranges_.back()->id); });
    ranges_.pop_back();
  }

  const ShapeId node_;
  Random random_;
  Run handles_;
  std::vector<std::unique_ptr<Range>> ranges_;
  uint32_t objects_ = 0;
};

TestHeap::Options OptionsOf(FaultModeKind mode, MarkerKind marker) {
  TestHeap::Options options;
  options.mode = mode;
  options.marker = marker;
  options.capacity_regions = 16;
  options.reserve_regions = 8;
  options.waits_for_memory = false;
  return options;
}

// The caller decides what happens between the steps.
void Cycle(TestHeap& test, uint32_t waves, const std::function<void()>& meanwhile) {
  Collector& collector = *test.collector;
  collector.BeginCollection();
  while (!collector.PrepareMarking(Slice())) {
  }
  meanwhile();
  const Marker& marker = collector.marker();
  for (uint32_t round = marker.has_rounds() ? 3 : marker.concurrent() ? 1 : 0; round > 0; --round) {
    while (!collector.RootsPause(5 * kNsPerMs)) {
    }
    meanwhile();
    while (!collector.Trace(Slice())) {
    }
    meanwhile();
  }
  while (!collector.MarkPause(5 * kNsPerMs)) {
  }
  meanwhile();
  while (!collector.ProcessWeak(Slice())) {
  }
  collector.Sweep();
  std::vector<RegionIndex> left = test.Movable();
  for (; waves > 0 && !left.empty(); --waves) {
    const std::vector<RegionIndex> sources(left.begin(), left.begin() + static_cast<ptrdiff_t>((left.size() + waves - 1) / waves));
    if (!collector.MakePlan(sources, static_cast<uint32_t>(sources.size()), waves > 1 ? left : std::vector<RegionIndex>{})) break;
    meanwhile();
    test.ReleaseMarking();
    meanwhile();
    while (!collector.FlipPause(5 * kNsPerMs)) {
    }
    meanwhile();
    std::erase_if(left, [&](RegionIndex region) { return test.heap.tables.moving[region] != 0; });
    if (waves > 1 && !left.empty()) test.FinishWave();
    meanwhile();
  }
  if (collector.phase() == Phase::kMarked) {
    EXPECT(!collector.MakePlan({}, 0));
    test.ReleaseMarking();
  }
  test.FinishCollection();
}

void RootsHoldWhatWasStored(FaultModeKind mode, MarkerKind marker, uint32_t waves, uint64_t seed) {
  TestHeap test(OptionsOf(mode, marker));
  const ShapeId node = test.DefineShape(1, 1);
  ModelledRoots roots(node, seed);
  ModelledRoots short_lived(node, seed + 1);
  Random random(seed);
  uint64_t most_forwarded = 0;
  {
    RootThread thread(&test, kHandles);
    thread.Do([&](TestMutator& mutator) { roots.Begin(mutator); });
    std::unique_ptr<RootThread> other;
    const auto meanwhile = [&] {
      thread.Do([&](TestMutator& mutator) {
        roots.Check(mutator);
        if (random.Chance(60)) roots.Change(mutator, random.Below(20));
      });
      // A thread that comes and goes, each time with its roots in the same places.
      if (!random.Chance(20)) return;
      if (other == nullptr) {
        other = std::make_unique<RootThread>(&test, kHandles);
        other->Do([&](TestMutator& mutator) { short_lived.Begin(mutator); });
      } else {
        other->Do([&](TestMutator& mutator) {
          short_lived.Check(mutator);
          short_lived.End(mutator);
        });
        other.reset();
      }
    };
    for (uint32_t cycle = 0; cycle < (ShortForm() ? 4 : 40); ++cycle) {
      Cycle(test, waves, meanwhile);
      most_forwarded = std::max(most_forwarded, test.collector->report().roots_forwarded_before);
    }
    if (other != nullptr) other->Do([&](TestMutator& mutator) { short_lived.End(mutator); });
    thread.Do([&](TestMutator& mutator) {
      roots.Check(mutator);
      roots.End(mutator);
    });
  }
  std::printf("%-12s %-12s %u waves: up to %" PRIu64 " roots were forwarded before the flip\n", NameOf(mode), NameOf(marker), waves,
              most_forwarded);
  EXPECT((most_forwarded > kHandles / 2) == !TraitsOf(mode).barriered_loads);
}

// What is not touched is not looked up in any flip of the cycle, nor traced again in its rounds.
void WhatHasNotChangedIsDoneBeforehand() {
  for (const uint32_t waves : {1u, 2u}) {
    TestHeap test(OptionsOf(FaultModeKind::kStw, MarkerWorks(MarkerKind::kBarrierFree) ? MarkerKind::kBarrierFree : MarkerKind::kStopped));
    const ShapeId node = test.DefineShape(1, 200);  // Several regions of them.
    RootThread thread(&test, kHandles);
    thread.Do([&](TestMutator& mutator) {
      for (uint32_t i = 0; i < kHandles; ++i) EXPECT((mutator.handle(i) = mutator.Allocate(node)) != 0);
    });
    for (uint32_t cycle = 0; cycle < 3; ++cycle) {
      Cycle(test, waves, [] {});
      EXPECT(test.collector->report().waves == waves);
      if (cycle > 0) EXPECT(test.collector->report().roots_forwarded_before == kHandles);
    }
    // One that has changed is looked up.
    bool changed = false;
    Cycle(test, waves, [&] {
      if (test.collector->phase() != Phase::kPlanned || changed) return;
      changed = true;
      thread.Do([](TestMutator& mutator) { mutator.handle(7) = mutator.handle(8); });
    });
    EXPECT(changed && test.collector->report().roots == kHandles);
    EXPECT(test.collector->report().roots_forwarded_before == kHandles - (waves == 1 ? 1 : 0));
  }
}

std::function<void(DelayPoint)> at_each_point;

// Its program goes on while it is parked, and what it stores then must stay: its roots are taken one by one.
void WhatAParkedThreadStoresInALongRunStays(FaultModeKind mode) {
  TestHeap test(OptionsOf(mode, MarkerKind::kStopped));
  const ShapeId node = test.DefineShape(1, 1);
  RootThread thread(&test, kHandles);
  thread.Do([&](TestMutator& mutator) {
    for (uint32_t i = 0; i < kHandles; ++i) EXPECT((mutator.handle(i) = mutator.Allocate(node)) != 0);
  });
  // There is a copy from here on.
  for (uint32_t cycle = 0; cycle < 2; ++cycle) Cycle(test, 1, [] {});
  std::atomic<uint32_t*> slots{nullptr};
  std::atomic<bool> ended{false};
  std::thread parks([&] {
    thread.Do([&](TestMutator& mutator) {
      mutator.Park();
      slots.store(&mutator.handle(0));
      while (!ended.load()) SleepMs(1);
      mutator.Unpark();
    });
  });
  while (slots.load() == nullptr) SleepMs(1);
  constexpr uint32_t kInteger = kSmallIntegerBit | 12345;
  uint32_t found = 0;
  at_each_point = [&](DelayPoint point) {
    if (point != DelayPoint::kRootFound) return;
    // In the flip, after the marking has found each of them: the root that is being looked at, and one behind it.
    if (++found == kHandles + 10) {
      for (const uint32_t index : {9u, 2000u}) __atomic_store_n(slots.load() + index, kInteger, __ATOMIC_RELAXED);
    }
  };
  SetDelayHook([](DelayPoint point) { at_each_point(point); });
  Cycle(test, 1, [] {});
  SetDelayHook(nullptr);
  EXPECT(found >= kHandles + 10);
  EXPECT(test.collector->report().roots_forwarded_before == 0);
  for (const uint32_t index : {9u, 2000u}) EXPECT(slots.load()[index] == kInteger);
  ended.store(true);
  parks.join();
}

// A collection that is abandoned between the two: the next one goes by another plan.
void AnAbandonedFlipLeavesNothingBehind(FaultModeKind mode) {
  TestHeap test(OptionsOf(mode, MarkerKind::kStopped));
  const ShapeId node = test.DefineShape(1, 1);
  ModelledRoots roots(node, 5);
  RootThread thread(&test, kHandles);
  thread.Do([&](TestMutator& mutator) { roots.Begin(mutator); });
  for (uint32_t round = 0; round < 3; ++round) {
    Cycle(test, 1, [] {});
    test.collector->BeginCollection();
    test.Mark();
    test.collector->Sweep();
    const std::vector<RegionIndex> sources = test.Movable();
    EXPECT(test.collector->MakePlan(sources, static_cast<uint32_t>(sources.size())));
    test.ReleaseMarking();
    std::atomic<bool> computes{false}, ended{false};
    std::thread computing([&] {
      thread.Do([&](TestMutator& mutator) {
        computes.store(true);
        while (!ended.load()) SleepMs(1);
        roots.Check(mutator);
      });
    });
    while (!computes.load()) SleepMs(1);
    for (uint32_t tries = 0; tries < 5; ++tries) EXPECT(!test.collector->FlipPause(2 * kNsPerMs));
    ended.store(true);
    while (!test.collector->Recover(Slice())) {
    }
    computing.join();
    thread.Do([&](TestMutator& mutator) {
      roots.Check(mutator);
      roots.Change(mutator, 100);
    });
  }
  Cycle(test, 1, [] {});
  thread.Do([&](TestMutator& mutator) {
    roots.Check(mutator);
    roots.End(mutator);
  });
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  uint64_t seed = SeedFrom(argc, argv, 20261201);
  WhatHasNotChangedIsDoneBeforehand();
  for (const FaultModeKind mode : MovingModes()) {
    WhatAParkedThreadStoresInALongRunStays(mode);
    AnAbandonedFlipLeavesNothingBehind(mode);
    for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
      if (!MarkerWorks(marker)) continue;
      RootsHoldWhatWasStored(mode, marker, 1, seed++);
      if (!TraitsOf(mode).barriered_loads) RootsHoldWhatWasStored(mode, marker, 2, seed++);
    }
  }
  return 0;
}
