// Marking while mutators hide objects from it: nothing is lost, with any marker, in any fault mode.
#include <cinttypes>

#include "moving_program.h"
#include "os/clock.h"
#include "os/delays.h"
#include "program_settings.h"

namespace faultline::test {
namespace {

void NothingIsLost(const ProgramSetting& setting, uint32_t cells, uint64_t seed) {
  const TestHeap::Options options = OptionsOf(setting, seed, cells > 100'000 ? 48 : 12);
  TestHeap test(options);
  const MovingShapes shapes(&test);
  test.StartControl();
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> checks{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      MovingProgram::Options program_options;
      program_options.cells = cells;
      MovingProgram program(&test, shapes, seed * 31 + t, program_options);
      EXPECT(program.Fill());
      do {
        EXPECT(program.Steps(500));
      } while (!ending.load());
      program.CheckAll();
      checks.fetch_add(program.checks());
    });
  }
  test.RequestFor(ShortForm() ? 150 : 400, 5);
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  SetDelaySeed(0);
  const Statistics& statistics = test.heap.statistics;
  std::printf("%-12s %-8s %u workers %u rounds %s %4" PRIu64 " cycles, %7" PRIu64 " written pages, %6" PRIu64 " logged, remark p50 %" PRIu64
              " us, %" PRIu64 " checks\n",
              NameOf(setting.marker), NameOf(setting.mode), setting.workers, setting.rounds, options.delay_seed != 0 ? "delays" : "      ",
              Read(statistics.compacting_cycles), Read(statistics.written_pages), Read(statistics.logged_references),
              (setting.marker == MarkerKind::kStopped ? statistics.mark_pause : statistics.remark_pause).Quantile(0.5) / 1000,
              checks.load());
  std::fflush(stdout);
  EXPECT(Read(statistics.compacting_cycles) > 0 && Read(statistics.refused_scans) == 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  uint64_t seed = SeedFrom(argc, argv, 20261202);
  const FaultModeKind stopped = FaultModeKind::kStw;
  ForEachSetting(MovingModes(), {{{}, stopped, 0, 0}, {{}, stopped, 3, 6}},
                 [&](const ProgramSetting& setting) { NothingIsLost(setting, setting.workers == 1 ? 2000 : 500, seed++); });
  // Many pages to look at again.
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (MarkerWorks(marker)) NothingIsLost({marker, stopped, 2, 1}, 150'000, seed++);
  }
  return 0;
}
