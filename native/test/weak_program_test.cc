// Random programs on weak references, a shared weak map and finalizers, while everything is collected and moved: with any marker, in any
// fault mode.
#include <cinttypes>

#include "os/delays.h"
#include "program_settings.h"
#include "weak_program.h"

namespace faultline::test {
namespace {

void NothingIsLostAndNothingComesBack(const ProgramSetting& setting, uint64_t seed) {
  constexpr uint32_t kThreads = 2;
  const TestHeap::Options options = OptionsOf(setting, seed, 12);
  TestHeap test(options);
  const WeakShapes shapes(&test);
  const ShapeId garbage = test.DefineShape(0, 0, ElementKind::kData, 3);
  {
    TestMutator maker(&test, 16);
    test.heap.shared_roots[0] = maker.Allocate(shapes.map);
  }
  test.StartControl();
  TokenExchange exchange;
  std::atomic<bool> ending{false};
  std::atomic<uint32_t> finished{0};
  std::atomic<bool> collected{false};
  std::atomic<uint32_t> drained{0};
  std::atomic<uint64_t> checks{0};
  std::atomic<uint64_t> dead{0};
  std::atomic<uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      WeakProgram program(&test, shapes, &exchange, t, seed * 31 + t, 120);
      program.set_garbage_shape(garbage);
      do {
        program.Steps(200);
      } while (!ending.load());
      program.mutator().Park();
      finished.fetch_add(1);
      while (!collected.load()) SleepMs(1);
      program.mutator().Unpark();
      program.Drain();
      drained.fetch_add(1);
      while (drained.load() < kThreads) program.mutator().Poll();
      program.CheckExactly();
      checks.fetch_add(program.checks());
      dead.fetch_add(program.seen_dead());
      taken.fetch_add(program.taken());
    });
  }
  test.RequestFor(ShortForm() ? 150 : 400, 5);
  ending.store(true);
  while (finished.load() < kThreads) SleepMs(1);
  // Twice: a token may be ready before it is taken, and keeps what its object leads to.
  for (int i = 0; i < 2; ++i) {
    const uint32_t ended = test.collector->collections_ended();
    while (static_cast<int32_t>(test.collector->collections_ended() - ended) < 2) {
      test.Request();
      SleepMs(1);
    }
  }
  collected.store(true);
  for (std::thread& thread : threads) thread.join();
  SetDelaySeed(0);
  const Statistics& statistics = test.heap.statistics;
  std::printf("%-12s %-8s %u workers %s %4" PRIu64 " cycles, %6" PRIu64 " slots and %6" PRIu64 " entries cleared, %5" PRIu64
              " tokens, %5" PRIu64 " found dead, %" PRIu64 " checks\n",
              NameOf(setting.marker), NameOf(setting.mode), setting.workers, options.delay_seed != 0 ? "delays" : "      ",
              Read(statistics.compacting_cycles), Read(statistics.cleared_slots), Read(statistics.cleared_ephemerons), taken.load(),
              dead.load(), checks.load());
  std::fflush(stdout);
  EXPECT(Read(statistics.compacting_cycles) > 0 && taken.load() == Read(statistics.finalizable) && taken.load() > 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  uint64_t seed = SeedFrom(argc, argv, 20261204);
  const FaultModeKind stopped = FaultModeKind::kStw;
  ForEachSetting(RawLoadModes(), {{{}, stopped, 0, 0}, {{}, stopped, 3, 6}},
                 [&](const ProgramSetting& setting) { NothingIsLostAndNothingComesBack(setting, seed++); });
}
