// The native half of `npm run bench:core`: flip pause against heap size, fault service against a bare fault, a cycle of an empty heap, what
// roots add to the pauses, page building against memcpy.  Prints one JSON object; bench/core.ts makes a report of it.
//
// Only ratios count.  Each floor is measured in the same process, next to the figure compared with it, and each figure is
// the median of several rounds.
#include <algorithm>
#include <cstring>
#include <string>

#include "bench_scene.h"
#include "gc/faults/bare_fault.h"
#include "root_figures.h"

namespace faultline::test {
namespace {

// --- Flip pause -----------------------------------------------------------------------------------------------------

struct FlipFigures {
  uint32_t mib = 0;
  std::vector<uint64_t> pauses_ns;
  std::vector<uint64_t> kernel_ns;
  std::vector<uint64_t> roots_ns;
  uint64_t roots = 0;
};

// Before each flip something else goes through the caches, as a program would; otherwise the smallest heaps would be
// measured with the kernel's own structures warm and the others with them cold.
class CacheSweeper {
 public:
  CacheSweeper() : memory_(size_t{96} << 20, 1) {}
  void Sweep() {
    for (size_t at = 0; at < memory_.size(); at += 64) ++memory_[at];
  }

 private:
  std::vector<uint8_t> memory_;
};

FlipFigures MeasureFlip(uint32_t mib, uint32_t rounds) {
  constexpr uint32_t kRoots = 1000;
  constexpr uint32_t kSmallObjects = 60'000;  // About 2.3 MiB of small objects, half of them garbage.
  TestHeap test(BenchOptions(mib, 1));
  const ShapeId large = test.DefineShape(0, 0, ElementKind::kReference, 2);
  const ShapeId small = test.DefineShape(2, 3);
  TestMutator mutator(&test);
  // Almost all of the heap does not move but lies in the page tables like everything else.
  const uint32_t large_mib = mib - 16;
  const uint32_t piece_mib = std::min(large_mib, 64u);
  for (uint32_t done = 0, handle = kRoots; done + piece_mib <= large_mib; done += piece_mib) {
    const WordIndex object = mutator.Allocate(large, 2 * (piece_mib * kRegionWords - kPageWords));
    EXPECT(object != 0);
    mutator.handle(handle++) = object;
    for (uint32_t page = 1; page < piece_mib * kRegionPages - 2; ++page) mutator.words(object)[uint64_t{page} * kPageWords] = 0;
  }
  CacheSweeper sweeper;
  FlipFigures figures;
  figures.mib = mib;
  for (uint32_t round = 0; round < rounds; ++round) {
    for (uint32_t i = 0; i < kSmallObjects; ++i) {
      const WordIndex object = mutator.Allocate(small);
      EXPECT(object != 0);
      if (i % 2 == 0) {  // Chains of survivors, one for each root, started anew each round.
        uint32_t& root = mutator.handle(i / 2 % kRoots);
        mutator.reference(object, 0) = i / 2 < kRoots ? 0 : root;
        root = object;
      }
    }
    mutator.Park();
    ManualCycle cycle(&test);
    EXPECT(cycle.UntilPlan());
    sweeper.Sweep();
    cycle.Flip();
    figures.pauses_ns.push_back(test.collector->report().flip_pause_ns);
    figures.kernel_ns.push_back(test.collector->report().flip_kernel_ns);
    figures.roots_ns.push_back(test.collector->report().flip_roots_ns);
    figures.roots = test.collector->report().roots;
    cycle.Complete();
    mutator.Unpark();
  }
  std::sort(figures.pauses_ns.begin(), figures.pauses_ns.end());
  return figures;
}

// --- Fault service ----------------------------------------------------------------------------------------------------

struct FaultFigures {
  const char* mode = "";
  std::vector<uint64_t> service_ns;
  uint64_t bare_p50_ns = 0;
};

FaultFigures MeasureFaults(FaultModeKind mode) {
  FaultFigures figures;
  figures.mode = NameOf(mode);
  TestHeap test(BenchOptions(64, 0, mode));
  TestMutator mutator(&test);
  Population population(&test, &mutator, Graph::kNearby, 24u << 20);
  std::vector<uint64_t> bare;
  for (uint64_t round = 0; round < 5; ++round) {
    if (round > 0) population.Refill(round);
    const Result<BareFault> floor = MeasureBareFault(mode, 1000);
    EXPECT(floor.ok());
    bare.push_back(floor.value().round_trip_p50_ns);
    mutator.Park();
    ManualCycle cycle(&test);
    EXPECT(cycle.UntilPlan());
    cycle.Flip();
    mutator.Unpark();
    for (const RegionIndex target : test.collector->plan().targets()) {
      const uint32_t pages = test.collector->plan().UsedPagesOfTarget(target);
      for (uint32_t page = target == 0 ? 1 : 0; page < pages; ++page) {
        volatile uint64_t* const word = mutator.words(FirstWordOfPage(FirstPageOfRegion(target) + page)) + 8;
        const uint64_t begin = NowNs();
        (void)*word;
        if (round > 0) figures.service_ns.push_back(NowNs() - begin);  // The first round warms up.
      }
    }
    mutator.Park();
    cycle.Complete();
    mutator.Unpark();
  }
  figures.bare_p50_ns = MedianOf(bare);
  std::sort(figures.service_ns.begin(), figures.service_ns.end());
  return figures;
}

// --- Page building ----------------------------------------------------------------------------------------------------

struct BuildFigures {
  double build_gib_per_s = 0;
  double memcpy_gib_per_s = 0;
  double ratio = 0;            // Of one memcpy of the same size from one piece.
  double scattered_ratio = 0;  // Of copying the same live runs from the same places, with nothing else done.
  double us_per_page = 0;
};

// Copies the live runs of the sources one after the other to memory that is mapped; returns the bytes.
uint64_t CopyLiveRuns(TestHeap& test, const std::vector<RegionIndex>& sources, uint8_t* to) {
  const Bitmap& live = test.heap.tables.live_bits;
  uint64_t done = 0;
  for (const RegionIndex source : sources) {
    const uint64_t* const bits = live.data();
    const WordIndex end = FirstWordOfRegion(source) + kRegionWords;
    for (WordIndex at = live.FindNext(FirstWordOfRegion(source), end); at < end;) {
      WordIndex run_end = at;  // First word that is not live.
      while (run_end < end) {
        const uint64_t dead = ~(bits[run_end >> 6] >> (run_end & 63));
        const uint32_t ones = dead == 0 ? 64 : static_cast<uint32_t>(__builtin_ctzll(dead));
        const uint32_t left = 64 - (run_end & 63);
        run_end += std::min(ones, left);
        if (ones < left) break;
      }
      const size_t bytes = size_t{run_end - at} * kWordBytes;
      memcpy(to + done, test.heap.words() + at, bytes);
      done += bytes;
      at = live.FindNext(run_end, end);
    }
  }
  return done;
}

double GibPerS(uint64_t bytes, uint64_t ns) { return static_cast<double>(bytes) / (1 << 30) / (static_cast<double>(ns) / 1e9); }

BuildFigures MeasureBuilding(Graph graph, bool popcnt, uint32_t garbage_percent = 50) {
  TestHeap test(BenchOptions(384, 0, FaultModeKind::kSigbus));
  TestMutator mutator(&test);
  Population population(&test, &mutator, graph, 128u << 20, garbage_percent);
  test.collector->pages().page_builder().UsePopcnt(popcnt);
  std::vector<double> build, copy, ratios, scattered, page_us;
  std::vector<uint8_t> sink(size_t{160} << 20, 1);
  for (uint64_t round = 0; round < 5; ++round) {
    if (round > 0) population.Refill(round);
    mutator.Park();
    ManualCycle cycle(&test);
    EXPECT(cycle.UntilPlan());
    cycle.Flip();
    const std::vector<RegionIndex> sources = test.collector->plan().sources();
    const std::vector<RegionIndex> targets = test.collector->plan().targets();

    // The floors, next to what is held against them: the same number of bytes in one piece, and the live runs alone.
    const uint64_t bytes = test.collector->report().copied_bytes;
    uint64_t begin = NowNs();
    for (uint64_t done = 0; done < bytes; done += kRegionBytes) {
      memcpy(sink.data() + done, test.heap.views.alias() + size_t{sources[done / kRegionBytes]} * kRegionBytes, kRegionBytes);
    }
    const double copy_rate = GibPerS((bytes + kRegionBytes - 1) / kRegionBytes * kRegionBytes, NowNs() - begin);
    begin = NowNs();
    const uint64_t scattered_bytes = CopyLiveRuns(test, sources, sink.data());
    const double scattered_rate = GibPerS(scattered_bytes, NowNs() - begin);

    uint64_t pages = 0;
    begin = NowNs();
    for (const RegionIndex target : targets) {
      const uint32_t used = test.collector->plan().UsedPagesOfTarget(target);
      for (uint32_t page = target == 0 ? 1 : 0; page < used; ++page, ++pages) {
        test.collector->pages().EnsureBuilt(FirstPageOfRegion(target) + page, &test.heap.statistics.pages_by_workers);
      }
    }
    const uint64_t build_ns = NowNs() - begin;
    const double build_rate = GibPerS(bytes, build_ns);
    if (round > 0) {  // The first round warms up and takes fresh pages.
      build.push_back(build_rate);
      copy.push_back(copy_rate);
      ratios.push_back(build_rate / copy_rate);
      scattered.push_back(build_rate / scattered_rate);
      page_us.push_back(static_cast<double>(build_ns) / 1e3 / static_cast<double>(pages));
    }
    cycle.Complete();
    mutator.Unpark();
  }
  return {MedianOf(build), MedianOf(copy), MedianOf(ratios), MedianOf(scattered), MedianOf(page_us)};
}

// --- A cycle of an empty heap ------------------------------------------------------------------------------------------

struct EmptyCycleFigures {
  uint32_t mib = 0;
  std::vector<uint64_t> cycles_ns;
};

// What a cycle costs before there is anything to do: with the kernel's marks where there are any, from its beginning to the end of what it
// gives back.
EmptyCycleFigures MeasureEmptyCycles(uint32_t mib, uint32_t cycles) {
  TestHeap::Options options = BenchOptions(mib, 1);
  if (MarkerWorks(MarkerKind::kBarrierFree)) options.marker = MarkerKind::kBarrierFree;
  TestHeap test(options);
  EmptyCycleFigures figures;
  figures.mib = mib;
  for (uint32_t cycle = 0; cycle < cycles; ++cycle) {
    const uint64_t begin = NowNs();
    test.Collect();
    while (!test.collector->Reclaim(0, false, kForeverNs)) {
    }
    figures.cycles_ns.push_back(NowNs() - begin);
  }
  std::sort(figures.cycles_ns.begin(), figures.cycles_ns.end());
  return figures;
}

// --- Output -----------------------------------------------------------------------------------------------------------

void PrintBuild(const char* name, const BuildFigures& figures, const char* comma) {
  std::printf(
      "    \"%s\": {\"gibPerS\": %.3f, \"memcpyGibPerS\": %.3f, \"ratio\": %.3f, "
      "\"scatteredRatio\": %.3f, \"usPerPage\": %.3f}%s\n",
      name, figures.build_gib_per_s, figures.memcpy_gib_per_s, figures.ratio, figures.scattered_ratio, figures.us_per_page, comma);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  if (argc > 1 && std::string(argv[1]) == "--building") {
    for (int i = 0; i < 3; ++i) {
      PrintBuild("nearby", MeasureBuilding(Graph::kNearby, true), "");
      PrintBuild("random", MeasureBuilding(Graph::kRandom, true), "");
      PrintBuild("leaves", MeasureBuilding(Graph::kLeaves, true), "");
      PrintBuild("leaves25", MeasureBuilding(Graph::kLeaves, true, 26), "");
    }
    return 0;
  }
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  std::printf("{\n  \"flip\": [\n");
  const std::vector<uint32_t> sizes = quick ? std::vector<uint32_t>{64, 256} : std::vector<uint32_t>{64, 256, 1024, 4096};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const FlipFigures flip = MeasureFlip(sizes[i], quick ? 11 : sizes[i] >= 1024 ? 21 : 41);
    std::printf(
        "    {\"mib\": %u, \"roots\": %llu, \"flips\": %zu, \"p50Us\": %.1f, \"p90Us\": %.1f, \"maxUs\": %.1f, "
        "\"kernelP50Us\": %.1f, \"rootsP50Us\": %.1f}%s\n",
        flip.mib, static_cast<unsigned long long>(flip.roots), flip.pauses_ns.size(), Us(At(flip.pauses_ns, 0.5)),
        Us(At(flip.pauses_ns, 0.9)), Us(flip.pauses_ns.back()), Us(MedianOf(flip.kernel_ns)), Us(MedianOf(flip.roots_ns)),
        i + 1 < sizes.size() ? "," : "");
    std::fflush(stdout);
  }
  std::printf("  ],\n  \"faults\": [\n");
  std::vector<FaultModeKind> modes;
  for (const FaultModeKind mode : {FaultModeKind::kSigbus, FaultModeKind::kThread, FaultModeKind::kSigsegv}) {
    if (mode == FaultModeKind::kSigsegv || ProbeUserfaultfd().has_minor_faults()) modes.push_back(mode);
  }
  for (size_t i = 0; i < modes.size(); ++i) {
    const FaultFigures faults = MeasureFaults(modes[i]);
    std::printf("    {\"mode\": \"%s\", \"count\": %zu, \"p50Us\": %.2f, \"p99Us\": %.2f, \"bareP50Us\": %.2f}%s\n", faults.mode,
                faults.service_ns.size(), Us(At(faults.service_ns, 0.5)), Us(At(faults.service_ns, 0.99)), Us(faults.bare_p50_ns),
                i + 1 < modes.size() ? "," : "");
    std::fflush(stdout);
  }
  std::printf("  ],\n  \"emptyCycles\": [\n");
  for (const uint32_t mib : {256u, 14336u}) {
    const EmptyCycleFigures empty = MeasureEmptyCycles(mib, quick ? 11 : 101);
    std::printf("    {\"mib\": %u, \"p50Us\": %.1f, \"maxUs\": %.1f}%s\n", mib, Us(At(empty.cycles_ns, 0.5)), Us(empty.cycles_ns.back()),
                mib == 256 ? "," : "");
  }
  std::printf("  ],\n  \"roots\": [\n");
  PrintRoots(quick);
  std::printf("  ],\n  \"building\": {\n");
  const bool popcnt = PageBuilder::CpuHasPopcnt();
  PrintBuild("nearby", MeasureBuilding(Graph::kNearby, popcnt), ",");
  PrintBuild("random", MeasureBuilding(Graph::kRandom, popcnt), ",");
  PrintBuild("leaves", MeasureBuilding(Graph::kLeaves, popcnt), ",");
  PrintBuild("leavesQuarterGarbage", MeasureBuilding(Graph::kLeaves, popcnt, 26), ",");
  PrintBuild("nearbyPortable", MeasureBuilding(Graph::kNearby, false), "");
  std::printf("  }\n}\n");
  return 0;
}
