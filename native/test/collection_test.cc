// Random programs on native mutators against a shadow model, in every fault mode, while the control thread compacts.
#include <cinttypes>

#include "os/delays.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

void RunMode(FaultModeKind mode, uint64_t seed, bool delays) {
  if (!ModeWorks(mode)) return;
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = 12;
  options.reserve_regions = 4;
  options.delay_seed = delays ? seed | 1 : 0;
  options.waves = delays ? 3 : 1;
  TestHeap test(options);
  const ShadowShapes shapes(&test);
  test.StartControl();
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> checks{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      ShadowProgram program(&test, shapes, seed * 31 + t, {});
      EXPECT(program.Run(ending));
      checks.fetch_add(program.checks());
    });
  }
  test.RequestFor(ShortForm() ? 300 : 1'200, 25);
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  SetDelaySeed(0);
  const Statistics& statistics = test.heap.statistics;
  std::printf("%-8s %s %6" PRIu64 " cycles, %6" PRIu64 " compacting, %8" PRIu64 " checks, pages by workers %" PRIu64
              ", by mutators %" PRIu64 ", flip p50 %" PRIu64 " us\n",
              NameOf(mode), delays ? "delays" : "      ", Read(statistics.cycles), Read(statistics.compacting_cycles), checks.load(),
              Read(statistics.pages_by_workers), Read(statistics.pages_by_mutators), statistics.flip_pause.Quantile(0.5) / 1000);
  EXPECT(Read(statistics.compacting_cycles) > 0);
  EXPECT(checks.load() > 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  const uint64_t seed = test::SeedFrom(argc, argv, 20261121);
  for (const FaultModeKind mode : test::MovingModes()) {
    test::RunMode(mode, seed, false);
    test::RunMode(mode, seed, true);
  }
  return 0;
}
