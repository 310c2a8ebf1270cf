// The tables of a plan: they have memory while it stands, and a source for which there is none stays where it is.
#include <cinttypes>

#include "os/clock.h"
#include "os/page_presence.h"
#include "os/refusals.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

uint64_t PlanPages(TestHeap& test) {
  const SideTables& tables = test.heap.tables;
  const Result<uint64_t> live = PresentPages(reinterpret_cast<const uint8_t*>(tables.live_bits.data()), tables.live_bits.bytes());
  const Result<uint64_t> offsets =
      PresentPages(reinterpret_cast<const uint8_t*>(tables.block_offsets.data()), tables.block_offsets.bytes());
  EXPECT(live.ok() && offsets.ok());
  return live.value() + offsets.value();
}

void Reclaim(TestHeap& test) {
  while (!test.collector->Reclaim(test.heap.bytes(), false, NowNs() + kNsPerMs)) {
  }
}

void LiveWordsAndBlockOffsetsHaveMemoryWhileAPlanStands() {
  TestHeap::Options options;
  options.capacity_regions = 300;
  options.reserve_regions = 20;
  HeapWithProgram scene(options, 11, {.nodes = 2000});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  EXPECT(PlanPages(test) == 0);
  for (uint32_t round = 0; round < 6; ++round) {
    program.Steps(2000);
    program.mutator().Park();
    test.CollectUntilFlip();
    EXPECT(test.collector->report().sources > 0 && PlanPages(test) >= test.collector->report().sources * 6);
    test.FinishCollection();
    Reclaim(test);
    EXPECT(PlanPages(test) == 0);
    program.mutator().Unpark();
    program.CheckAll();
  }
}

void ASourceWithoutMemoryForItsTablesStays(FaultModeKind mode) {
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = 16;
  options.reserve_regions = 6;
  options.workers = 0;
  HeapWithProgram scene(options, 12, {.nodes = 10'000});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  constexpr uint32_t kAll = 4;
  for (uint32_t refused = 0; refused <= kAll; ++refused) {
    program.Steps(1500);
    program.mutator().Park();
    test.collector->BeginCollection();
    test.Mark();
    test.collector->Sweep();
    std::vector<RegionIndex> sources;
    for (const RegionIndex region : test.heap.regions.committed()) {
      if (test.heap.regions.use(region).state == RegionState::kLive && test.heap.tables.live_word_counts[region] > 0) {
        sources.push_back(region);
      }
    }
    // Each has two tables; what is refused is one of the first source's, one of the second's, and at last the first one of each.
    EXPECT(sources.size() >= 2);
    const bool all = refused == kAll;
    const uint32_t victim = all ? 0 : refused / 2;
    ArmRefusal(SystemCall::kPopulate, ENOMEM, all ? 0 : refused, all ? static_cast<uint32_t>(sources.size()) : 1);
    const bool moves = test.collector->MakePlan(sources, static_cast<uint32_t>(sources.size()));
    ArmRefusal(SystemCall::kPopulate, 0, 0, 0);
    EXPECT(moves == !all);
    for (const RegionIndex source : test.collector->plan().sources()) EXPECT(all || source != sources[victim]);
    if (!all) EXPECT(test.heap.regions.use(sources[victim]).state == RegionState::kLive);
    test.ReleaseMarking();
    while (moves && !test.collector->FlipPause(kNsPerMs)) {
    }
    test.FinishCollection();
    Reclaim(test);
    program.mutator().Unpark();
    program.CheckAll();
  }
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const FaultModeKind mode : {FaultModeKind::kSigbus, FaultModeKind::kStw}) {
    if (ModeWorks(mode)) ASourceWithoutMemoryForItsTablesStays(mode);
  }
  uint64_t word = 0;
  if (!PresentPages(reinterpret_cast<const uint8_t*>(&word) - reinterpret_cast<uintptr_t>(&word) % kPageBytes, kPageBytes).ok()) {
    std::printf("this kernel does not tell which pages are present\n");
    return kSkipped;
  }
  LiveWordsAndBlockOffsetsHaveMemoryWhileAPlanStands();
  return 0;
}
