// A control thread that ends in the middle of a cycle: the thread that takes over finishes the cycle, from every phase, and
// nothing is lost.
#include <cinttypes>

#include "os/clock.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

uint64_t Slice() { return NowNs() + 2 * kNsPerMs; }

// The steps of a cycle up to `last`, where the control thread ends: in the first wave, or in a later one.
void Begin(TestHeap& test, Phase last, bool later) {
  Collector& collector = *test.collector;
  if (last == Phase::kIdle) return;
  while (!collector.PrepareMarking(Slice())) {
  }
  if (last == Phase::kMarking) return;
  while (!collector.MarkPause(2 * kNsPerMs)) {
  }
  if (last == Phase::kMarked && !later) return;
  collector.Sweep();
  std::vector<RegionIndex> sources = test.Movable();
  if (later) {
    EXPECT(sources.size() > 1);
    EXPECT(test.FlipWave({sources.back()}, sources));
    sources.pop_back();
    test.FinishWave();
  }
  if (last == Phase::kMarked) return;
  EXPECT(collector.MakePlan(sources, 2));
  if (last == Phase::kPlanned) return;
  test.ReleaseMarking();
  while (!collector.FlipPause(2 * kNsPerMs)) {
  }
  if (last == Phase::kCompacting) return;
  while (!collector.Compact(Slice())) {
  }
  EXPECT(last == Phase::kFinishing);
}

void FromEveryPhase(FaultModeKind mode, uint64_t seed) {
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = 12;
  HeapWithProgram scene(options, seed, {.nodes = 400, .large_percent = 3, .may_run_out = true});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  for (const Phase last : {Phase::kIdle, Phase::kMarking, Phase::kMarked, Phase::kPlanned, Phase::kCompacting, Phase::kFinishing}) {
    for (uint32_t round = 0; round < (last >= Phase::kMarked ? 3 : 2); ++round) {
      const bool requested = round == 1;
      program.mutator().Park();
      Begin(test, last, round == 2);
      program.mutator().Unpark();
      program.CheckAll();
      // It had asked for a stop that never came about.
      if (requested) EXPECT(!test.heap.handshake.TryStop(0));
      // With a load barrier a cycle ends in a pause, and this thread cannot both wait for it and stop.
      const bool ends_in_pause = TraitsOf(mode).barriered_loads;
      if (ends_in_pause) program.mutator().Park();
      while (!test.collector->Recover(Slice())) {
      }
      if (ends_in_pause) program.mutator().Unpark();
      EXPECT(test.collector->phase() == Phase::kIdle && !test.collector->Armed());
      program.mutator().Poll();
      program.CheckAll();
      program.mutator().Park();
      test.Collect();
      program.mutator().Unpark();
      EXPECT(test.heap.regions.charged() <= test.heap.regions.capacity());
      program.Steps(50);
      program.CheckAll();
      program.mutator().Park();
      test.Collect();
      program.mutator().Unpark();
    }
  }
  std::printf("%-12s recovered from every phase, %" PRIu64 " checks\n", NameOf(mode), program.checks());
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261130);
  for (const FaultModeKind mode : MovingModes()) {
    FromEveryPhase(mode, seed);
  }
  return 0;
}
