// The kernel refuses, at every call whose refusal we handle: the heap stays valid, nothing is lost, and the figures show
// that it happened.
#include <cinttypes>

#include "gc/faults/bare_fault.h"
#include "os/clock.h"
#include "os/refusals.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

void DisarmAll() {
  for (uint32_t call = 0; call < static_cast<uint32_t>(SystemCall::kCount); ++call) {
    ArmRefusal(static_cast<SystemCall>(call), 0, 0, 0);
  }
}

struct Ending {
  uint64_t cycles = 0;
  uint64_t compacting = 0;
  uint64_t refused_flips = 0;
  uint64_t refused_allocations = 0;
};

// Programs run while `call` is refused again and again, each time after a few calls that go through.
Ending RunRefused(FaultModeKind mode, SystemCall call, int error_number, uint32_t skip_limit, uint64_t seed) {
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = 8;
  options.reserve_regions = 3;
  TestHeap test(options);
  const ShadowShapes shapes(&test);
  test.StartControl();
  const uint64_t until = NowNs() + (ShortForm() ? 70 : 300) * kNsPerMs;
  std::atomic<bool> ending_now{false};
  Ending ending;
  std::atomic<uint64_t> refused_allocations{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      ShadowProgram::Options program_options;
      program_options.nodes = 400;
      program_options.may_run_out = true;
      program_options.large_percent = 2;
      ShadowProgram program(&test, shapes, seed * 31 + t, program_options);
      EXPECT(program.Fill());
      uint64_t counted = 0;
      do {
        program.Steps(512);
        program.CheckAll();
        refused_allocations.fetch_add(program.mutator().refusals() - counted);
        counted = program.mutator().refusals();
      } while (!ending_now.load());
    });
  }
  const bool hits_allocation = call == SystemCall::kPopulate && error_number == ENOMEM;
  const bool hits_flips = call == SystemCall::kMremap || call == SystemCall::kRegister;
  // On a busy machine neither the threads nor the collector may have got far.
  const auto seen = [&] {
    return (!hits_allocation || refused_allocations.load() > 0) && (!hits_flips || Read(test.heap.statistics.refused_flips) > 0);
  };
  Random random(seed);
  do {
    ArmRefusal(call, error_number, random.Below(skip_limit + 1), 1 + random.Below(2));
    test.Request();
    SleepMs(8);
  } while (NowNs() < until || (!seen() && NowNs() < until + 60'000 * kNsPerMs));
  DisarmAll();
  test.RequestFor(0, 5);
  ending_now.store(true);
  for (std::thread& thread : threads) thread.join();
  ending.cycles = Read(test.heap.statistics.cycles);
  ending.compacting = Read(test.heap.statistics.compacting_cycles);
  ending.refused_flips = Read(test.heap.statistics.refused_flips);
  ending.refused_allocations = refused_allocations.load();
  EXPECT(ending.compacting > 0 && test.heap.regions.charged() <= test.heap.regions.capacity());
  std::printf("%-8s %-10s %4" PRIu64 " cycles, %4" PRIu64 " refused flips, %4" PRIu64 " refused allocations\n", NameOf(mode),
              kSystemCallNames[static_cast<uint32_t>(call)], ending.compacting, ending.refused_flips, ending.refused_allocations);
  return ending;
}

// It touches pages one by one, and each page that is shown alone needs a mapping more.
void ABareFaultThatIsRefusedIsAnErrorOfTheMeasurement() {
  for (const uint32_t refusals : {1u, 5u}) {
    ArmRefusal(SystemCall::kMprotect, ENOMEM, 3, refusals);
    const Result<BareFault> refused = MeasureBareFault(FaultModeKind::kSigsegv, 20);
    DisarmAll();
    EXPECT(!refused.ok() && refused.error().error_number == ENOMEM && MeasureBareFault(FaultModeKind::kSigsegv, 20).ok());
  }
}

// A flip that the kernel refuses, at the move, the registration or the emptying, compacts inside the pause.
void ARefusedFlipCompactsInThePause(FaultModeKind mode, SystemCall call) {
  TestHeap::Options options;
  options.mode = mode;
  options.workers = 0;
  HeapWithProgram scene(options, 5, {.nodes = 300});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  for (uint32_t round = 0; round < 4; ++round) {
    const bool refuse = round % 2 == 0;
    // The ranges that were chosen, and then all of the view.
    if (refuse) ArmRefusal(call, ENOMEM, 0, 2);
    program.mutator().Park();
    test.Collect();
    program.mutator().Unpark();
    DisarmAll();
    const CycleReport& report = test.collector->report();
    EXPECT(report.flip_refused == refuse && report.sources > 0 && report.copied_bytes > 0);
    if (refuse) EXPECT(report.flip_error.error_number == ENOMEM && report.flip_error.call[0] != '\0');
    EXPECT(test.collector->phase() == Phase::kIdle && !test.collector->Armed());
    EXPECT(Read(test.heap.statistics.refused_flips) == round / 2 + 1);
    EXPECT(Read(test.heap.statistics.compacting_cycles) == round + 1);
    program.CheckAll();
    program.Steps(500);
    program.CheckAll();
  }
}

void APunchThatIsRefusedLeavesTheRegionUsable() {
  TestHeap::Options options;
  options.mode = FaultModeKind::kStw;
  options.workers = 0;
  HeapWithProgram scene(options, 6, {.nodes = 300});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  for (uint32_t round = 0; round < 3; ++round) {
    program.Steps(3000);
    ArmRefusal(SystemCall::kPunchHole, EPERM, round, 100);
    program.mutator().Park();
    test.Collect();
    while (!test.collector->Reclaim(0, true, NowNs() + 100 * kNsPerMs)) {
    }
    DisarmAll();
    program.mutator().Unpark();
    program.CheckAll();
  }
  program.Steps(3000);
  program.CheckAll();
}

// What a heap needs to begin with: refused, Create or Open says which call it was, and the next heap works.
void AHeapThatCannotBeginSaysWhy() {
  struct Case {
    SystemCall call;
    uint32_t skip;
    FaultModeKind mode;
  };
  std::vector<Case> cases = {{SystemCall::kMemfdCreate, 0, FaultModeKind::kStw}, {SystemCall::kFtruncate, 0, FaultModeKind::kStw}};
  for (uint32_t skip = 0; skip < 3; ++skip) cases.push_back({SystemCall::kMmap, skip, FaultModeKind::kStw});
  for (const FaultModeKind mode : FaultingModes()) {
    if (mode == FaultModeKind::kSigsegv) continue;
    cases.push_back({SystemCall::kUserfaultfd, 0, mode});
    cases.push_back({SystemCall::kUserfaultfdApi, 0, mode});
  }
  cases.push_back({SystemCall::kRegister, 0, FaultModeKind::kThread});  // The page that ends the handler thread.
  for (const Case& each : cases) {
    if (!ModeWorks(each.mode)) continue;
    for (const bool refuse : {true, false}) {
      if (refuse) ArmRefusal(each.call, EPERM, each.skip, 1);
      Heap heap;
      Heap::Options options;
      options.capacity_regions = 2;
      options.reserve_regions = 1;
      Status status = heap.Create(options);
      if (status.ok()) {
        Collector::Options collector_options;
        collector_options.fault_mode = each.mode;
        Collector collector(&heap, collector_options);
        status = collector.Open();
        collector.Close();
      }
      DisarmAll();
      EXPECT(status.ok() == !refuse);
      if (refuse) EXPECT(status.error().error_number == EPERM && status.error().call[0] != '\0');
    }
  }
  ArmRefusal(SystemCall::kUserfaultfd, EPERM, 0, 1);
  const UserfaultfdProbe probe = ProbeUserfaultfd();
  DisarmAll();
  EXPECT(probe.opened_by == UserfaultfdOpening::kNone && !probe.has_minor_faults() && !probe.has_signal_delivery());
  EXPECT(probe.device_error.error_number == EPERM);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261128);
  AHeapThatCannotBeginSaysWhy();
  APunchThatIsRefusedLeavesTheRegionUsable();
  ABareFaultThatIsRefusedIsAnErrorOfTheMeasurement();
  for (const FaultModeKind mode : MovingModes()) {
    const HeldBy held_by = TraitsOf(mode).held_by;
    const bool userfaultfd = held_by == HeldBy::kBusSignal || held_by == HeldBy::kThread;
    if (held_by != HeldBy::kNothing) {
      ARefusedFlipCompactsInThePause(mode, SystemCall::kMremap);
      EXPECT(RunRefused(mode, SystemCall::kMremap, ENOMEM, 1, seed).refused_flips > 0);
    }
    if (userfaultfd) {
      ARefusedFlipCompactsInThePause(mode, SystemCall::kRegister);
      ARefusedFlipCompactsInThePause(mode, SystemCall::kTakeOut);
      EXPECT(RunRefused(mode, SystemCall::kRegister, EBUSY, 0, seed).refused_flips > 0);
      // What CONTINUE may answer for a moment.
      RunRefused(mode, SystemCall::kContinue, EAGAIN, 50, seed);
      RunRefused(mode, SystemCall::kContinue, EEXIST, 50, seed);
      RunRefused(mode, SystemCall::kContinue, EFAULT, 50, seed);
    }
    if (TraitsOf(mode).copies) {
      RunRefused(mode, SystemCall::kCopy, EAGAIN, 50, seed);
      RunRefused(mode, SystemCall::kCopy, ENOMEM, 50, seed);
      RunRefused(mode, SystemCall::kPunchHole, ENOSPC, 5, seed);  // Targets that cannot be emptied make the plan smaller.
    }
    if (mode == FaultModeKind::kSigsegv) RunRefused(mode, SystemCall::kMprotect, ENOMEM, 50, seed);
    EXPECT(RunRefused(mode, SystemCall::kPopulate, ENOMEM, 20, seed).refused_allocations > 0);
    // A kernel that does not know the call: pages come the long way, and nothing is refused.
    EXPECT(RunRefused(mode, SystemCall::kPopulate, EINVAL, 0, seed).refused_allocations == 0);
  }
  return 0;
}
