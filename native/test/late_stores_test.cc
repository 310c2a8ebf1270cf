// Racing stores: what another thread stores between our load and our own store is not lost.
//
// A hook at the point between the two acts as the other thread.
#include <functional>
#include <thread>

#include "os/clock.h"
#include "os/delays.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

std::function<void(DelayPoint)> meanwhile;

// Calls `what` at each delay point until the end of the scope.
struct Meanwhile {
  explicit Meanwhile(std::function<void(DelayPoint)> what) {
    meanwhile = std::move(what);
    SetDelayHook([](DelayPoint point) { meanwhile(point); });
  }
  ~Meanwhile() { SetDelayHook(nullptr); }
};

// A thread that is parked holds no references, but it empties handles and shared roots, or keeps small integers there, while a pause
// looks at them: while roots are copied for marking, and while they are rewritten.
void WhatAParkedThreadStoresInARootStays(FaultModeKind mode) {
  constexpr uint32_t kInteger = kSmallIntegerBit | 12345;
  for (const uint32_t visits : {1u, 2u}) {
    for (const uint32_t stored : {0u, kInteger}) {
      TestHeap::Options options;
      options.mode = mode;
      options.workers = 0;
      TestHeap test(options);
      const ShapeId node = test.DefineShape(1, 1);
      TestMutator mutator(&test, 16);
      mutator.Allocate(node);  // Garbage, so that what follows moves.
      for (const uint32_t handle : {0u, 1u}) mutator.handle(handle) = mutator.Allocate(node);
      test.heap.shared_roots[3] = mutator.handle(1);
      mutator.Park();
      {
        uint32_t roots = 0;
        // The first three visits copy the roots, those after them rewrite what is left.
        const Meanwhile other([&](DelayPoint point) {
          if (point != DelayPoint::kRootFound || ++roots != (visits == 1 ? 1 : 4)) return;
          for (uint32_t* const slot : {&test.heap.shared_roots[3], &mutator.handle(0)}) __atomic_store_n(slot, stored, __ATOMIC_SEQ_CST);
        });
        test.Collect();
      }
      mutator.Unpark();
      EXPECT(Read(test.heap.statistics.compacting_cycles) == 1);
      EXPECT(test.heap.shared_roots[3] == stored && mutator.handle(0) == stored);
      EXPECT(mutator.slots(mutator.handle(1))[0] == node);
    }
  }
}

// Mode `thread`: a fault is told of by the thread that served it, after its mutator runs again and adds to its timeline itself.
void TwoThreadsThatAddToATimelineLoseNothing() {
  Timeline timeline;
  EXPECT(timeline.Create().ok());
  const uint64_t begin = NowNs();
  std::thread mutator;
  {
    std::atomic<bool> met{false};
    const Meanwhile other([&](DelayPoint point) {
      if (point != DelayPoint::kTimeAdded || met.exchange(true)) return;
      mutator = std::thread([&] { timeline.AddCollectorTime(begin, begin + 1000, Interruption::kPause); });
      SleepMs(20);  // It adds now, or waits for us.
    });
    timeline.AddCollectorTime(begin + 2000, begin + 3000, Interruption::kFault);
    mutator.join();
    EXPECT(met.load());
  }
  uint64_t entries = 0;
  timeline.ForEachInterval([&](const Timeline::Interval&) { ++entries; });
  EXPECT(entries == 2);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  for (const faultline::FaultModeKind mode : MovingModes()) WhatAParkedThreadStoresInARootStays(mode);
  TwoThreadsThatAddToATimelineLoseNothing();
  return 0;
}
