// What roots add to the pauses (core_bench).
#pragma once

#include <algorithm>
#include <cstdio>
#include <vector>

#include "bench_scene.h"
#include "heap/thread_state.h"
#include "root_thread.h"

namespace faultline::test {

struct RootFigures {
  uint32_t slots = 0;
  uint64_t roots = 0;
  uint64_t forwarded_before = 0;
  std::vector<uint64_t> start_ns;
  std::vector<uint64_t> remark_ns;
  std::vector<uint64_t> flip_ns;
};

// What a thread's roots add to the pauses: half of the slots are handles, half of them a root range.  The thread stores into some hundred
// of them between any two pauses.
inline RootFigures MeasureRoots(uint32_t slots, uint32_t cycles) {
  TestHeap::Options options = BenchOptions(256, 1);
  if (MarkerWorks(MarkerKind::kBarrierFree)) options.marker = MarkerKind::kBarrierFree;
  TestHeap test(options);
  const ShapeId node = test.DefineShape(2, 3);
  const uint32_t count = std::max(slots / 2, 1u);
  RootThread thread(&test, count + 1);
  std::vector<uint32_t> range(count);
  uint32_t used = 0;
  uint32_t range_id = 0;
  thread.Do([&](TestMutator& mutator) {
    ChangeRoots(mutator.mutator(), WaitWatch::Never(), [&] { range_id = mutator.mutator().ranges.Add(range.data(), &used, count); });
  });
  Random random(11);
  const auto store = [&](TestMutator& mutator, uint32_t index) {
    const WordIndex object = mutator.Allocate(node);
    EXPECT(object != 0);
    mutator.handle(index) = object;
    if (random.Chance(50)) EXPECT(mutator.Allocate(node) != 0);  // Garbage, so that something moves.
    range[random.Below(count)] = mutator.handle(random.Below(count));
  };
  thread.Do([&](TestMutator& mutator) {
    for (uint32_t i = 0; i < count; ++i) store(mutator, i);
    for (uint32_t i = 0; i < count; ++i) range[i] = mutator.handle(random.Below(count));
    used = slots == 0 ? 0 : count;
  });
  const auto meanwhile = [&] {
    thread.Do([&](TestMutator& mutator) {
      for (uint32_t i = 0; i < 100; ++i) store(mutator, random.Below(count));
    });
  };
  Collector& collector = *test.collector;
  RootFigures figures;
  figures.slots = slots;
  for (uint32_t cycle = 0; cycle < cycles; ++cycle) {
    while (!collector.PrepareMarking(kForeverNs)) {
    }
    for (uint32_t round = 0; round < 3; ++round) {
      while (!collector.RootsPause(kForeverNs)) {
      }
      if (cycle > 0 && round == 0) figures.start_ns.push_back(collector.report().mark_start_pause_ns);
      meanwhile();
      while (!collector.Trace(kForeverNs)) {
      }
      meanwhile();
    }
    while (!collector.MarkPause(kForeverNs)) {
    }
    meanwhile();
    while (!collector.ProcessWeak(kForeverNs)) {
    }
    collector.Sweep();
    const std::vector<RegionIndex> sources = test.Movable();
    EXPECT(collector.MakePlan(sources, static_cast<uint32_t>(sources.size())));
    test.ReleaseMarking();
    meanwhile();
    while (!collector.FlipPause(kForeverNs)) {
    }
    test.FinishCollection();
    if (cycle == 0) continue;  // The first cycle warms up.
    figures.remark_ns.push_back(collector.report().mark_pause_ns);
    figures.flip_ns.push_back(collector.report().flip_pause_ns);
    figures.roots = collector.report().roots;
    figures.forwarded_before = collector.report().roots_forwarded_before;
  }
  thread.Do([&](TestMutator& mutator) {
    ChangeRoots(mutator.mutator(), WaitWatch::Never(), [&] { mutator.mutator().ranges.Remove(range_id); });
  });
  return figures;
}

// The same heap without such roots, and with two million.
inline void PrintRoots(bool quick) {
  for (const uint32_t slots : {0u, 2'000'000u}) {
    const RootFigures roots = MeasureRoots(slots, quick ? 8 : 31);
    std::printf("    {\"slots\": %u, \"startP50Us\": %.1f, \"remarkP50Us\": %.1f, \"flipP50Us\": %.1f, \"forwardedBefore\": %.3f}%s\n",
                slots, Us(MedianOf(roots.start_ns)), Us(MedianOf(roots.remark_ns)), Us(MedianOf(roots.flip_ns)),
                static_cast<double>(roots.forwarded_before) / static_cast<double>(std::max(roots.roots, uint64_t{1})),
                slots == 0 ? "," : "");
    std::fflush(stdout);
  }
}

}  // namespace faultline::test
