// What a cycle costs does not depend on the capacity: it goes through what is committed (E).
#include <cinttypes>
#include <cstring>

#include "os/clock.h"
#include "os/refusals.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

using Counts = std::vector<uint32_t>;
constexpr uint32_t kCalls = static_cast<uint32_t>(SystemCall::kCount);

// How often each system call is made: every point is armed behind so many calls, and what is left of them says how many there were.
template <typename Run>
Counts CountSystemCalls(Run run) {
  constexpr uint32_t kMost = 20'000;
  for (uint32_t call = 0; call < kCalls; ++call) ArmRefusal(static_cast<SystemCall>(call), EIO, kMost, 1);
  run();
  Counts counts(kCalls);
  for (uint32_t call = 0; call < kCalls; ++call) {
    uint32_t left = 0;
    while (Refused(static_cast<SystemCall>(call)) == 0) ++left;
    EXPECT(left <= kMost);
    counts[call] = kMost - left;
  }
  return counts;
}

void ReclaimAll(TestHeap& test) {
  while (!test.collector->Reclaim(0, true, NowNs() + 100 * kNsPerMs)) {
  }
}

enum class Content { kNothing, kALittle };

// The second cycle's: of the first some pages are new to the kernel.
Counts CountCycle(uint32_t capacity_regions, FaultModeKind mode, MarkerKind marker, Content content) {
  TestHeap::Options options;
  options.capacity_regions = capacity_regions;
  options.workers = 0;
  options.mode = mode;
  options.marker = marker;
  options.verify = false;
  TestHeap test(options);
  const ShapeId node = test.DefineShape(1, 2);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  Counts counts;
  for (uint32_t cycle = 0; cycle < 2; ++cycle) {
    if (content == Content::kALittle) {
      // Small objects fill the heap from the front, a large one lies at its back.
      for (uint32_t i = 0; i < 100'000; ++i) {
        const WordIndex object = mutator.Allocate(node);
        EXPECT(object != 0);
        if (i % 16 != 0) continue;
        mutator.reference(object, 0) = mutator.handle(0);
        mutator.handle(0) = object;
      }
      if (cycle == 0) mutator.handle(1) = mutator.Allocate(data, kRegionWords + 5);
      EXPECT(mutator.handle(1) != 0);
    }
    mutator.Park();
    counts = CountSystemCalls([&] { test.Collect(true); });
    EXPECT((test.collector->report().copied_bytes > 0) == (content == Content::kALittle));
    ReclaimAll(test);
    mutator.Unpark();
  }
  return counts;
}

void ACycleMakesTheSameSystemCallsWhateverTheCapacity(FaultModeKind mode, MarkerKind marker) {
  for (const Content content : {Content::kNothing, Content::kALittle}) {
    const Counts small = CountCycle(64, mode, marker, content);
    const Counts large = CountCycle(kSanitized ? 512 : 4096, mode, marker, content);
    for (uint32_t call = 0; call < kCalls; ++call) {
      if (small[call] == large[call]) continue;
      std::fprintf(stderr, "%s, %s: %u calls of %s with little capacity, %u with much\n", NameOf(mode), NameOf(marker), small[call],
                   kSystemCallNames[call], large[call]);
      EXPECT(small[call] == large[call]);
    }
  }
}

// Sources are given back with their marks still there; the regions' next objects begin elsewhere.
void ARegionThatWasGivenBackHasNoMarks(bool verify) {
  TestHeap::Options options;
  options.capacity_regions = 8;
  options.workers = 0;
  options.mode = FaultModeKind::kStw;
  options.verify = verify;
  TestHeap test(options);
  TestMutator mutator(&test);
  for (uint32_t round = 0; round < 6; ++round) {
    const ShapeId node = test.DefineShape(1, 2 + round);
    uint32_t length = 0;
    for (uint32_t i = 0; i < 60'000; ++i) {
      const WordIndex object = mutator.Allocate(node);
      EXPECT(object != 0);
      if (i % 3 != 0) continue;
      mutator.reference(object, 0) = mutator.handle(0);
      mutator.handle(0) = object;
      ++length;
    }
    mutator.Park();
    test.Collect(true);
    EXPECT(test.collector->report().sources > 0 && test.collector->report().marked_objects == length);
    ReclaimAll(test);
    mutator.Unpark();
    mutator.handle(0) = 0;
    mutator.Park();
    test.Collect(true);
    ReclaimAll(test);
    mutator.Unpark();
    EXPECT(test.heap.file.AllocatedBytes() == 0 && test.heap.regions.committed().Next(0_region) == test.heap.regions.count());
  }
}

// The plan gets memory for one target and a part of the other.  Into the first its source does not fit; so nothing moves, and both go back.
void TargetsThatWereProvidedForNothingAreGivenBack() {
  constexpr uint32_t kWords = 256;
  TestHeap::Options options;
  options.workers = 0;
  options.mode = FaultModeKind::kStw;
  TestHeap test(options);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  // Region 0, but for its first page, which is not used, and all of region 1, which stays.
  for (uint32_t i = 0; i < (2 * kRegionWords - kPageWords) / kWords; ++i) {
    const WordIndex object = mutator.Allocate(data, kWords - 1);
    EXPECT(object != 0);
    if (RegionOf(object) == 1) mutator.handle(i) = object;
  }
  mutator.Park();
  test.collector->BeginCollection();
  test.Mark();
  EXPECT(test.collector->Sweep() == 1 && test.heap.tables.live_word_counts[1_region] == kRegionWords);
  ReclaimAll(test);
  EXPECT(test.heap.file.AllocatedBytes() == kRegionBytes);
  // Two calls for what is to be known of the source, one for each target.
  ArmRefusal(SystemCall::kPopulate, ENOMEM, 3, 1);
  test.heap.views.alias()[2 * kRegionBytes] = 0;  // What the kernel provided before it said no.
  EXPECT(!test.collector->MakePlan({1_region}, 2));
  ArmRefusal(SystemCall::kPopulate, 0, 0, 0);
  EXPECT(test.heap.file.AllocatedBytes() > kRegionBytes);
  test.ReleaseMarking();
  test.FinishCollection();
  ReclaimAll(test);
  EXPECT(test.heap.file.AllocatedBytes() == kRegionBytes);
  mutator.Unpark();
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const bool verify : {false, true}) ARegionThatWasGivenBackHasNoMarks(verify);
  TargetsThatWereProvidedForNothingAreGivenBack();
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (!MarkerWorks(marker)) continue;
    for (const FaultModeKind mode : {FaultModeKind::kSigbus, FaultModeKind::kStw}) {
      if (ModeWorks(mode)) ACycleMakesTheSameSystemCallsWhateverTheCapacity(mode, marker);
    }
  }
  return 0;
}
