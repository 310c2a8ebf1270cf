// Recycled pages: an allocating thread takes no fault for pages that the heap had before, and while the view is write-tracked for marking
// the fewest that the kernel allows.  Each page counts once; with a separate fault for each page, allocation takes twice as long.
#include <cerrno>

#include "faults_of_writing.h"
#include "os/clock.h"
#include "os/refusals.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint64_t kSliceNs = 5 * kNsPerMs;
constexpr uint32_t kTlabPages = 16;
constexpr uint32_t kCapacityRegions = 12;
constexpr uint32_t kGarbageRegions = 8;

struct Scene {
  Scene(MarkerKind marker, bool something_to_move, FaultModeKind mode = FaultModeKind::kStw)
      : test(OptionsFor(marker, mode)), cell(test.DefineShape(1, 2)), mutator(&test) {
    Fill(2);
    if (something_to_move) mutator.handle(0) = mutator.Allocate(cell);
    Fill(kGarbageRegions - 2);
  }

  static TestHeap::Options OptionsFor(MarkerKind marker, FaultModeKind mode) {
    TestHeap::Options options;
    options.capacity_regions = kCapacityRegions;
    options.tlab_pages = kTlabPages;
    options.mode = mode;
    options.marker = marker;
    options.workers = 0;
    return options;
  }

  // Garbage; answers the faults it took, by page.
  double Fill(uint32_t regions) {
    const uint64_t before = MinorFaultsOfThread();
    const uint64_t pages_before = test.heap.regions.handed_out_pages();
    for (uint32_t pages = 0; pages < regions * kRegionPages;) {
      const uint64_t now = test.heap.regions.handed_out_pages();
      EXPECT(mutator.Allocate(cell) != 0);
      pages += static_cast<uint32_t>(test.heap.regions.handed_out_pages() - now);
    }
    return static_cast<double>(MinorFaultsOfThread() - before) / static_cast<double>(test.heap.regions.handed_out_pages() - pages_before);
  }

  void Collect() {
    mutator.Park();
    test.Collect();
    mutator.Unpark();
  }

  void Reclaim(uint64_t keep_bytes) {
    while (!test.collector->Reclaim(keep_bytes, false, NowNs() + kSliceNs)) {
    }
  }

  TestHeap test;
  ShapeId cell;
  TestMutator mutator;
};

// Few, for what the thread does beside it.
constexpr double kHardlyAny = 0.02;
// The kernel maps 16 neighbours at each read fault.
constexpr double kReadFaults = 1.0 / 16 + kHardlyAny;
// Populating for writing counts as one for each page.
constexpr double kWriteFaults = 1 + kHardlyAny;

void RecycledPagesTakeNoFault(MarkerKind marker, bool moves, FaultModeKind mode) {
  Scene scene(marker, moves, mode);
  scene.Collect();
  EXPECT((Read(scene.test.heap.statistics.compacting_cycles) > 0) == moves);
  // Mutators that are faster than the collector map what they take themselves.
  const double before = scene.Fill(2);
  scene.Collect();
  scene.Reclaim(kCapacityRegions * kRegionBytes);
  const double after = scene.Fill(4);
  std::printf("%-12s %-12s %s: %.3f faults a page before reclaim, %.3f after it\n", NameOf(marker), NameOf(mode),
              moves ? "moving" : "      ", before, after);
  EXPECT(before <= kReadFaults);
  EXPECT(after <= kHardlyAny);
}

void PagesHandedOutWhileMarkingFaultOnce(bool marking_over) {
  Scene scene(MarkerKind::kBarrierFree, false);
  scene.Collect();
  Collector& collector = *scene.test.collector;
  const auto mark = [&] {
    scene.test.Mark();
    collector.Sweep();
    EXPECT(!collector.MakePlan({}, 0));
    scene.test.ReleaseMarking();
  };
  collector.BeginCollection();
  scene.mutator.Park();
  if (marking_over) {
    mark();
  } else {
    while (!collector.PrepareMarking(NowNs() + kSliceNs)) {
    }
  }
  scene.mutator.Unpark();
  const double faults = scene.Fill(2);
  std::printf("%s: %.3f faults a page\n", marking_over ? "after marking" : "while marking", faults);
  EXPECT(faults <= kWriteFaults);
  scene.mutator.Park();
  if (!marking_over) mark();
  scene.test.FinishCollection();
  scene.mutator.Unpark();
  EXPECT(scene.Fill(2) <= kReadFaults);
}

// What reclaim says of pages that mutators take meanwhile, and of those that it punches.
void OnlyFreePagesOfTheFileAreMapped() {
  Scene scene(MarkerKind::kStopped, false);
  scene.Collect();
  Regions& regions = scene.test.heap.regions;
  std::vector<RegionIndex> free;
  regions.CommittedFree(&free);
  EXPECT(free.size() > 3);
  const PageRun run = regions.UnmappedFree(free[0]);
  EXPECT(run.first == FirstPageOfRegion(free[0]) && run.count == kRegionPages);
  regions.NoteMappedFree(run);
  EXPECT(regions.UnmappedFree(free[0]).count == 0);
  regions.ForgetMapped();
  EXPECT(regions.UnmappedFree(free[0]).count == kRegionPages);
  // Taken meanwhile: what is said of it then is not heard.
  const PageRun late = regions.UnmappedFree(free[1]);
  scene.Fill(2);
  EXPECT(regions.use(free[1]).state != RegionState::kFree);
  regions.NoteMappedFree(late);
  EXPECT(regions.UnmappedFree(free[1]).count == 0);
  // Not in the file any more.
  scene.Reclaim(0);
  EXPECT(regions.UnmappedFree(free[3]).count == 0);
}

// A refusal ends it, or a heap with many regions would try them all again in each slice; mutators map what they take.
void ARefusalLeavesTheRestToMutators() {
  Scene scene(MarkerKind::kStopped, false);
  scene.Collect();
  Regions& regions = scene.test.heap.regions;
  std::vector<RegionIndex> free;
  regions.CommittedFree(&free);
  regions.ForgetMapped();
  ArmRefusal(SystemCall::kPopulate, ENOMEM, 0, 1);
  scene.Reclaim(kCapacityRegions * kRegionBytes);
  ArmRefusal(SystemCall::kPopulate, 0, 0, 0);
  for (const RegionIndex region : free) EXPECT(regions.UnmappedFree(region).count > 0);
  scene.Reclaim(kCapacityRegions * kRegionBytes);
  for (const RegionIndex region : free) EXPECT(regions.UnmappedFree(region).count == 0);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (!MarkerWorks(marker)) continue;
    for (const FaultModeKind mode : MovingModes()) {
      for (const bool moves : {false, true}) RecycledPagesTakeNoFault(marker, moves, mode);
    }
  }
  OnlyFreePagesOfTheFileAreMapped();
  ARefusalLeavesTheRestToMutators();
  if (!MarkerWorks(MarkerKind::kBarrierFree)) return 0;
  PagesHandedOutWhileMarkingFaultOnce(false);
  PagesHandedOutWhileMarkingFaultOnce(true);
  return 0;
}
