// The shadow programs again, in every fault mode, with the heap's settings at their limits.
#include <cinttypes>
#include <functional>

#include "os/delays.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

struct Setting {
  const char* title;
  TestHeap::Options heap;
  ShadowProgram::Options program;
  uint32_t mutators = 2;
  bool restarts = false;  // Mutators end and new ones begin all the time.
};

std::vector<Setting> Settings() {
  std::vector<Setting> settings;
  const auto add = [&](const char* title, const std::function<void(Setting&)>& change) {
    Setting setting;
    setting.title = title;
    setting.heap.capacity_regions = 8;
    setting.heap.reserve_regions = 3;
    setting.program.nodes = 500;
    change(setting);
    settings.push_back(setting);
  };
  add("fault-around 1", [](Setting& s) { s.heap.fault_around_pages = 1; });
  add("fault-around 4", [](Setting& s) { s.heap.fault_around_pages = 4; });
  add("fault-around 64", [](Setting& s) { s.heap.fault_around_pages = 64; });
  add("TLABs of one page", [](Setting& s) { s.heap.tlab_pages = 1; });
  add("TLABs of 64 pages", [](Setting& s) { s.heap.tlab_pages = 64; });
  add("no worker", [](Setting& s) { s.heap.workers = 0; });
  add("three workers", [](Setting& s) { s.heap.workers = 3; });
  add("large objects", [](Setting& s) {
    s.heap.capacity_regions = 20;
    s.program.large_percent = 5;
    s.program.may_run_out = true;
  });
  add("mutators come and go", [](Setting& s) {
    s.restarts = true;
    s.mutators = 3;
    s.program.nodes = 150;
    s.program.large_percent = 3;
    s.program.may_run_out = true;
    s.heap.capacity_regions = 12;
  });
  add("units of several pages", [](Setting& s) {  // Above 8192 pages the sigsegv mode shows pages in groups.
    s.heap.capacity_regions = 70;
    s.heap.reserve_regions = 10;
    s.heap.workers = 2;
    s.program.large_percent = 4;
    s.program.may_run_out = true;
  });
  add("one region", [](Setting& s) {
    s.heap.capacity_regions = 1;
    s.heap.reserve_regions = 1;
    s.mutators = 1;
    s.program.nodes = 60;
    s.program.may_run_out = true;
  });
  return settings;
}

void RunSetting(const Setting& setting, FaultModeKind mode, uint64_t seed) {
  TestHeap::Options options = setting.heap;
  options.mode = mode;
  options.delay_seed = seed % 2 == 0 ? 0 : seed;
  TestHeap test(options);
  const ShadowShapes shapes(&test);
  test.StartControl();
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> checks{0};
  std::atomic<uint32_t> programs{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < setting.mutators; ++t) {
    threads.emplace_back([&, t] {
      do {
        ShadowProgram program(&test, shapes, seed * 31 + t + uint64_t{1000} * programs.fetch_add(1), setting.program);
        if (setting.restarts) {
          EXPECT(program.Fill());
          program.Steps(300);
          program.CheckAll();
        } else {
          EXPECT(program.Run(ending));
        }
        checks.fetch_add(program.checks());
      } while (!ending.load());
    });
  }
  test.RequestFor(ShortForm() ? 80 : 300, 10);
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  SetDelaySeed(0);
  const Statistics& statistics = test.heap.statistics;
  std::printf("%-24s %-12s %s %4" PRIu64 " compacting cycles, %7" PRIu64 " checks, %3u programs, pages %" PRIu64 " + %" PRIu64 "\n",
              setting.title, NameOf(mode), options.delay_seed != 0 ? "delays" : "      ", Read(statistics.compacting_cycles), checks.load(),
              programs.load(), Read(statistics.pages_by_workers), Read(statistics.pages_by_mutators));
  EXPECT(Read(statistics.compacting_cycles) > 0 && checks.load() > 0);
  EXPECT(test.heap.regions.charged() <= test.heap.regions.capacity());
}

// One thread is a mutator of two heaps, whose collectors know nothing of each other.
void TwoHeapsInOneThread(FaultModeKind first_mode, FaultModeKind second_mode, uint64_t seed) {
  TestHeap::Options options;
  options.capacity_regions = 8;
  options.reserve_regions = 3;
  options.mode = first_mode;
  TestHeap first(options);
  options.mode = second_mode;
  TestHeap second(options);
  const ShadowShapes first_shapes(&first);
  const ShadowShapes second_shapes(&second);
  first.StartControl();
  second.StartControl();
  std::atomic<bool> ending{false};
  ShadowProgram::Options program_options;
  program_options.nodes = 400;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      ShadowProgram one(&first, first_shapes, seed + t, program_options);
      one.mutator().Park();
      ShadowProgram two(&second, second_shapes, seed + 100 + t, program_options);
      two.mutator().Park();
      EXPECT(CurrentMutator(&first.heap) == &one.mutator().mutator());
      EXPECT(CurrentMutator(&second.heap) == &two.mutator().mutator());
      // A thread that waits for one heap must not hold up the other.
      for (bool filled = false; !filled || !ending.load(); filled = true) {
        for (ShadowProgram* program : {&one, &two}) {
          program->mutator().Unpark();
          if (!filled) EXPECT(program->Fill());
          program->Steps(800);
          program->CheckAll();
          program->mutator().Park();
        }
      }
      one.mutator().Unpark();
      one.mutator().Park();
    });
  }
  for (uint32_t i = 0; i < 10; ++i) {
    first.RequestFor(ShortForm() ? 10 : 25, 10);
    second.RequestFor(ShortForm() ? 10 : 25, 10);
  }
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  std::printf("two heaps: %s %" PRIu64 " cycles, %s %" PRIu64 " cycles\n", NameOf(first_mode),
              Read(first.heap.statistics.compacting_cycles), NameOf(second_mode), Read(second.heap.statistics.compacting_cycles));
  EXPECT(Read(first.heap.statistics.compacting_cycles) > 0 && Read(second.heap.statistics.compacting_cycles) > 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  uint64_t seed = SeedFrom(argc, argv, 20261129);
  const std::vector<FaultModeKind> modes = MovingModes();
  for (const FaultModeKind mode : modes) {
    for (const Setting& setting : Settings()) RunSetting(setting, mode, seed++);
  }
  for (size_t i = 0; i < modes.size(); ++i) TwoHeapsInOneThread(modes[i], modes[(i + (seed % 2)) % modes.size()], seed);
  return 0;
}
