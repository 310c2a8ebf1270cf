// The limit of mappings (vm.max_map_count) is reached at any moment of a cycle, and any call of a cycle that the kernel may refuse is
// refused: the steps after the flip need no new mapping, or have a fallback (U).
#include <sys/mman.h>

#include <cinttypes>

#include "child.h"
#include "os/clock.h"
#include "os/pinned_mapping.h"
#include "os/refusals.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

constexpr uint32_t kProgramSeed = 20261131;

TestHeap::Options OptionsFor(FaultModeKind mode) {
  TestHeap::Options options;
  options.mode = mode;
  options.marker = MarkerWorks(MarkerKind::kBarrierFree) ? MarkerKind::kBarrierFree : MarkerKind::kStopped;
  options.workers = 0;
  return options;
}

void AnyCallOfACycleMayBeRefused(FaultModeKind mode) {
  struct Case {
    SystemCall call;
    int error_number;
    std::vector<uint32_t> skips;
    uint32_t refuse;
  };
  constexpr uint32_t kAlways = 1'000'000;
  // Scratch is emptied in 64 pieces and once as a whole; marking is released in 512.
  const std::vector<Case> cases = {
      {SystemCall::kMmap, ENOMEM, {0, 1, 63, 64}, 1},
      {SystemCall::kMmap, ENOMEM, {0}, kAlways},
      {SystemCall::kMremap, ENOMEM, {0}, 1},
      {SystemCall::kMremap, ENOMEM, {0}, kAlways},
      {SystemCall::kRegister, ENOMEM, {0, 1}, 1},
      {SystemCall::kRegister, ENOMEM, {0, 1}, kAlways},
      {SystemCall::kTakeOut, EINVAL, {0}, 1},
      {SystemCall::kTakeOut, EINVAL, {0}, kAlways},
      {SystemCall::kUnregisterPiece, ENOMEM, {0, 1, 510}, 1},
      {SystemCall::kUnregisterPiece, ENOMEM, {0}, kAlways},
      {SystemCall::kMprotect, ENOMEM, {0, 1, 2, 3}, 1},
      {SystemCall::kMprotect, ENOMEM, {1}, 50},
      {SystemCall::kPopulate, ENOMEM, {0, 1}, kAlways},
      {SystemCall::kPagemapScan, EPERM, {0, 1}, kAlways},
      {SystemCall::kPunchHole, ENOMEM, {0, 1}, kAlways},
  };
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed, {.nodes = 400, .may_run_out = true});
  TestHeap& test = scene.test;
  for (const Case& each : cases) {
    for (const uint32_t skip : each.skips) {
      scene.program.Steps(300);
      scene.program.mutator().Park();
      ArmRefusal(each.call, each.error_number, skip, each.refuse);
      test.CollectUntilFlip();
      scene.program.mutator().Unpark();
      scene.program.CheckAll();
      scene.program.mutator().Park();
      if (test.collector->phase() != Phase::kIdle) test.FinishCollection();
      while (!test.collector->Reclaim(0, true, NowNs() + 100 * kNsPerMs)) {
      }
      ArmRefusal(each.call, 0, 0, 0);
      scene.program.mutator().Unpark();
      scene.program.CheckAll();
    }
  }
  // And a flip that nobody refuses goes the ordinary way again.
  const uint64_t refused = Read(test.heap.statistics.refused_flips);
  scene.program.Steps(500);
  scene.program.mutator().Park();
  test.Collect();
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
  EXPECT(Read(test.heap.statistics.refused_flips) == refused && refused > 0);
}

// All the mappings that this process may have, but for some.
class MappingsOfOthers {
 public:
  explicit MappingsOfOthers(uint32_t most) { maps_.reserve(most + 100); }
  ~MappingsOfOthers() {
    for (void* map : maps_) munmap(map, kPageBytes);
  }
  void TakeAllBut(uint32_t leave) {
    for (;;) {
      // Of alternating protection, so that they do not become one.
      const int protection = maps_.size() % 2 == 0 ? PROT_NONE : PROT_READ;
      void* const map = mmap(nullptr, kPageBytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (map == MAP_FAILED) break;
      maps_.push_back(map);
    }
    GiveBack(leave);
  }
  void GiveBack(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      munmap(maps_.back(), kPageBytes);
      maps_.pop_back();
    }
  }

 private:
  std::vector<void*> maps_;
};

enum class Reached { kBeforeTheCycle, kWhileMarking, kBetweenFlipAndEnd };

void ACycleEndsAtTheLimit(FaultModeKind mode, Reached when, uint32_t leave, uint32_t most) {
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed + 1, {.nodes = 400});
  TestHeap& test = scene.test;
  scene.program.Steps(500);
  scene.program.mutator().Park();
  test.Collect();
  // As the control thread, which has its stack and its memory before.
  std::atomic<bool> ready{false};
  std::atomic<bool> go{false};
  std::thread control([&] {
    std::vector<uint8_t> first(100);
    ready.store(true);
    while (!go.load()) SleepMs(1);
    if (test.collector->phase() != Phase::kIdle) test.FinishCollection();
  });
  while (!ready.load()) SleepMs(1);
  MappingsOfOthers others(most);
  if (when == Reached::kBeforeTheCycle) others.TakeAllBut(leave);
  if (when == Reached::kWhileMarking) {
    while (!test.collector->PrepareMarking(NowNs() + 100 * kNsPerMs)) {
    }
    others.TakeAllBut(leave);
    test.Collect();
    go.store(true);
  } else {
    test.CollectUntilFlip();
    if (when == Reached::kBetweenFlipAndEnd) others.TakeAllBut(leave);
    go.store(true);
    scene.program.mutator().Unpark();
    scene.program.CheckAll();  // In mode sigsegv a page may have to wait for the end of the cycle.
    scene.program.mutator().Park();
  }
  control.join();
  test.Collect();
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
}

// Whether the system gives so many mappings, one by one, none of which is a neighbour's.
bool MayMap(uint32_t count) {
  std::vector<void*> mapped;
  for (uint32_t i = 0; i < count; ++i) {
    void* const one = mmap(nullptr, kPageBytes, i % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (one != MAP_FAILED) mapped.push_back(one);
  }
  for (void* const one : mapped) munmap(one, kPageBytes);
  return mapped.size() == count;
}

void APinIsReleasedAtTheLimit(uint32_t most) {
  MemoryFile file;
  EXPECT(file.Create(64 * kPageBytes).ok());
  PinnedMapping pin;
  PinnedMapping read_later;
  EXPECT(pin.Create(file, kPageBytes, 100).ok() && read_later.Create(file, 5 * kPageBytes, 100).ok());
  read_later.data()[0] = 7;
  MappingsOfOthers others(most);
  others.TakeAllBut(0);
  PinnedMapping refused;
  EXPECT(!refused.Create(file, 2 * kPageBytes, 100).ok());
  // What was held back for the rest of the process, which may need it to say so, is there; no pin takes it.
  EXPECT(MayMap(32) && !refused.Create(file, 2 * kPageBytes, 100).ok() && MayMap(32));
  others.TakeAllBut(0);
  EXPECT(pin.Revoke(false));
  // Zeros of its own need a mapping.  Until there is one it shows what it showed.
  EXPECT(!read_later.Revoke(true) && read_later.data()[0] == 7);
  others.GiveBack(8);
  EXPECT(read_later.Revoke(true) && read_later.data()[0] == 0);
}

// The memory under a heap's view belongs to somebody else, who may go on reading it.
void AClosedHeapLeavesNothingBehindAtTheLimit(uint32_t most) {
  constexpr size_t kBytes = 2 * kViewAlignment;
  void* const borrowed = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  EXPECT(borrowed != MAP_FAILED);
  uint8_t* const view = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(borrowed) + kViewAlignment - 1) & ~(kViewAlignment - 1));
  {
    MemoryFile file;
    EXPECT(file.Create(64 * kPageBytes).ok());
    Views views;
    EXPECT(views.Create(file, view).ok());
    view[kPageBytes] = 7;
    MappingsOfOthers others(most);
    others.TakeAllBut(0);
    views.Close();
    EXPECT(view[kPageBytes] == 0 && file.AllocatedBytes() <= 2 * kPageBytes);
  }
  munmap(borrowed, kBytes);
}

// vm.max_map_count, or 0 where trying it would take too long.
uint32_t MostMappings() {
  std::FILE* const file = std::fopen("/proc/sys/vm/max_map_count", "r");
  if (file == nullptr) return 0;
  unsigned most = 0;
  const bool read = std::fscanf(file, "%u", &most) == 1;
  std::fclose(file);
  return read && most <= 200'000 ? most : 0;
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const FaultModeKind mode : FaultingModes()) AnyCallOfACycleMayBeRefused(mode);
  if (kSanitized) {
    std::printf("a sanitizer needs mappings of its own: the limit is not tried\n");
    return 0;
  }
  const uint32_t most = MostMappings();
  if (most == 0) {
    std::printf("vm.max_map_count is unknown or so high that this test would take minutes: that part is left out\n");
    return 0;
  }
  // Most of them once, since it takes a while.
  MappingsOfOthers bulk(most);
  bulk.TakeAllBut(4000);
  APinIsReleasedAtTheLimit(most);
  AClosedHeapLeavesNothingBehindAtTheLimit(most);
  for (const FaultModeKind mode : FaultingModes()) {
    if (TraitsOf(mode).copies) continue;
    for (const Reached when : {Reached::kBeforeTheCycle, Reached::kWhileMarking, Reached::kBetweenFlipAndEnd}) {
      for (const uint32_t leave : {0u, 4u}) ACycleEndsAtTheLimit(mode, when, leave, most);
    }
  }
  return 0;
}
