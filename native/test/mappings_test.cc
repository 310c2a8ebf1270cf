// How many mappings a heap costs the process, in every phase of a cycle: the kernel allows 65,530 in all, and looks them up
// on every fault.  Mode sigsegv needs one for each boundary between units that are shown and units that are not.
#include <algorithm>
#include <cinttypes>

#include "os/clock.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

constexpr uint32_t kMostMappings = 32;
constexpr uint32_t kMostUnits = 8192;  // Of mode sigsegv; see FaultMode::unit_pages.
constexpr uint64_t kSliceNs = 30'000;

uint32_t CountMappings() {
  static char text[1 << 12];
  FILE* const maps = std::fopen("/proc/self/maps", "r");
  EXPECT(maps != nullptr);
  uint32_t lines = 0;
  while (std::fgets(text, sizeof text, maps) != nullptr) ++lines;
  std::fclose(maps);
  return lines;
}

class Watch {
 public:
  Watch() {
    CountMappings();  // The first reading takes memory of its own.
    before_ = CountMappings();
  }
  void Look(const char* phase) {
    const uint32_t now = CountMappings();
    const uint32_t own = now - std::min(now, before_);
    if (own <= most_) return;
    most_ = own;
    phase_ = phase;
  }
  uint32_t most() const { return most_; }
  const char* phase() const { return phase_; }

 private:
  uint32_t before_ = 0;
  uint32_t most_ = 0;
  const char* phase_ = "";
};

void EveryPhase(FaultModeKind mode, MarkerKind marker, uint32_t regions, uint64_t seed) {
  Watch watch;
  TestHeap::Options options;
  options.mode = mode;
  options.marker = marker;
  options.capacity_regions = regions;
  options.reserve_regions = regions / 8 + 2;
  options.workers = 0;
  options.waits_for_memory = false;
  TestHeap test(options);
  watch.Look("created");
  const ShadowShapes shapes(&test);
  ShadowProgram::Options program_options;
  program_options.nodes = 600;
  program_options.large_percent = 3;
  program_options.may_run_out = true;
  ShadowProgram program(&test, shapes, seed, program_options);
  EXPECT(program.Fill());
  watch.Look("filled");
  Collector& collector = *test.collector;
  uint32_t moved = 0;
  for (uint32_t cycle = 0; cycle < (ShortForm() ? 4 : 12); ++cycle) {
    program.mutator().Park();
    while (!collector.PrepareMarking(NowNs() + kSliceNs)) watch.Look("preparing");
    if (collector.marker().concurrent()) {
      while (!collector.RootsPause(2 * kNsPerMs)) {
      }
      while (!collector.Trace(NowNs() + kSliceNs)) watch.Look("marking");
    }
    while (!collector.MarkPause(2 * kNsPerMs)) {
    }
    watch.Look("marked");
    collector.Sweep();
    std::vector<RegionIndex> sources;
    for (RegionIndex region{0}; region < test.heap.regions.count(); ++region) {
      if (test.heap.regions.use(region).state == RegionState::kLive && test.heap.tables.marked_pages[region] > 0 &&
          test.heap.tables.live_word_counts[region] > 0) {
        sources.push_back(region);
      }
    }
    const bool moves = collector.MakePlan(sources, 2);
    watch.Look("planned");
    while (!collector.ReleaseMarking(NowNs() + kSliceNs)) watch.Look("releasing");
    watch.Look("released");
    if (moves) {
      ++moved;
      while (!collector.FlipPause(2 * kNsPerMs)) {
      }
      watch.Look("flipped");
      // Scattered touches build pages here and there, and new pages come from the allocator.
      program.mutator().Unpark();
      for (uint32_t i = 0; i < 40; ++i) {
        program.Steps(5);
        watch.Look("mutators at work");
      }
      program.mutator().Park();
      while (!collector.Compact(NowNs() + kSliceNs)) watch.Look("compacting");
    }
    while (!collector.Finish(NowNs() + kSliceNs)) watch.Look("finishing");
    watch.Look("finished");
    while (!collector.Reclaim(0, true, NowNs() + kSliceNs)) watch.Look("reclaiming");
    watch.Look("reclaimed");
    program.mutator().Unpark();
    program.CheckAll();
    program.Steps(100);
  }
  EXPECT(moved > 0);
  std::printf("%-8s %5u MiB: at most %u mappings (%s)\n", NameOf(mode), regions, watch.most(), watch.phase());
  EXPECT(watch.most() <= (mode == FaultModeKind::kSigsegv ? kMostUnits : 0) + kMostMappings);
}

void NothingIsLeftOfAHeap(FaultModeKind mode) {
  CountMappings();
  const uint32_t before = CountMappings();
  for (uint32_t i = 0; i < 20; ++i) {
    TestHeap::Options options;
    options.mode = mode;
    options.workers = 0;
    TestHeap test(options);
    test.Collect();
  }
  const uint32_t after = CountMappings();
  EXPECT(after <= before + 4);  // malloc's own, which stay.
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  if (kSanitized) {
    std::printf("a sanitizer maps memory of its own for whatever the heap maps\n");
    return kSkipped;
  }
  const uint64_t seed = SeedFrom(argc, argv, 20261203);
  for (const FaultModeKind mode : MovingModes()) {
    for (const MarkerKind marker : {MarkerKind::kStopped, MarkerKind::kBarrierFree}) {
      if (!MarkerWorks(marker)) continue;
      EveryPhase(mode, marker, 12, seed);
      EveryPhase(mode, marker, 1100, seed);  // More than one GiB: the views span two.
    }
    NothingIsLeftOfAHeap(mode);
  }
  return 0;
}
