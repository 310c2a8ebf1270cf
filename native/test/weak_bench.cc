// What weak structures cost a collection: the last pause of marking and the weak phase, by number of dead weak references, of entries with
// dead keys, and of finalizers; and a weak map's operations.
//
//   build/Release/test/weak_bench [--quick]
#include <cinttypes>
#include <cstring>

#include "os/clock.h"
#include "weak_structures.h"

namespace faultline::test {
namespace {

constexpr uint32_t kMap = 0;
constexpr uint32_t kKey = 1;
constexpr uint32_t kValue = 2;
constexpr uint32_t kArray = 3;
constexpr uint32_t kScratch = 4;

constexpr uint64_t kSliceNs = 5 * kNsPerMs;

enum class What { kNothing, kWeak, kEphemerons, kFinalizers };

void Measure(MarkerKind marker, What what, const char* name, uint32_t count, bool dead) {
  TestHeap::Options options;
  options.marker = marker;
  options.verify = false;
  options.capacity_regions = 192;
  options.reserve_regions = 8;
  options.mode = FaultModeKind::kSigbus;
  TestHeap test(options);
  TestMutator mutator(&test, 64);
  const WeakShapes shapes(&test);
  WeakStructures weak(&test, &mutator, shapes, kScratch);
  const ShapeId array = test.DefineShape(0, 0, ElementKind::kReference, 2);
  mutator.handle(kMap) = mutator.Allocate(shapes.map);
  mutator.handle(kArray) = mutator.Allocate(array, count);
  mutator.handle(kValue) = mutator.Allocate(what == What::kWeak ? shapes.weak : array, count);
  for (uint32_t i = 0; i < count; ++i) {
    mutator.handle(kKey) = weak.NewNode(i);
    mutator.reference(mutator.handle(kArray), i) = mutator.handle(kKey);
    if (what == What::kWeak) mutator.reference(mutator.handle(kValue), i) = mutator.handle(kKey);
    if (what == What::kEphemerons) weak.Set(kMap, kKey, kKey);
    if (what == What::kFinalizers) weak.FinalizeLater(kKey, i);
  }
  mutator.handle(kKey) = 0;
  if (dead) mutator.handle(kArray) = 0;
  mutator.Park();
  test.collector->BeginCollection();
  Collector& collector = *test.collector;
  while (!collector.PrepareMarking(NowNs() + kSliceNs)) {
  }
  if (collector.marker().concurrent()) {
    for (uint32_t round = 0; round < (collector.marker().has_rounds() ? 2 : 1); ++round) {
      while (!collector.RootsPause(kSliceNs)) {
      }
      while (!collector.Trace(NowNs() + kSliceNs)) {
      }
    }
    // So that the pause has something to mark, and must look at the ephemerons again.
    mutator.Unpark();
    mutator.handle(kKey) = weak.NewNode(0);
    mutator.Store(&mutator.reference(mutator.handle(kMap), 0), mutator.reference(mutator.handle(kMap), 0));
    mutator.Park();
  }
  while (!collector.MarkPause(kSliceNs)) {
  }
  while (!collector.ProcessWeak(NowNs() + kSliceNs)) {
  }
  const CycleReport report = test.collector->report();
  mutator.Unpark();
  std::printf("%-12s %-11s %8u %-6s last pause %7" PRIu64 " us, marking %7" PRIu64 " us; cleared %" PRIu64 " + %" PRIu64
              ", finalizable %" PRIu64 "\n",
              NameOf(marker), name, count, dead ? "dead" : "alive", report.mark_pause_ns / 1000, report.marking_ns / 1000,
              report.weak.cleared_slots, report.weak.cleared_ephemerons, report.weak.finalizable);
  std::fflush(stdout);
  mutator.Park();
  test.collector->Sweep();
  test.collector->MakePlan({}, 0);
  test.ReleaseMarking();
  test.FinishCollection();
  mutator.Unpark();
}

void MeasureMap(uint32_t count) {
  TestHeap::Options options;
  options.verify = false;
  options.capacity_regions = 128;
  TestHeap test(options);
  TestMutator mutator(&test, count + 16);
  const WeakShapes shapes(&test);
  WeakStructures weak(&test, &mutator, shapes, kScratch);
  mutator.handle(kMap) = mutator.Allocate(shapes.map);
  for (uint32_t i = 0; i < count; ++i) mutator.handle(16 + i) = weak.NewNode(i);
  const auto time = [&](const char* name, auto each) {
    const uint64_t begin = NowNs();
    for (uint32_t i = 0; i < count; ++i) each(16 + i);
    std::printf("weak map of %u: %s %.1f ns\n", count, name, static_cast<double>(NowNs() - begin) / count);
  };
  uint32_t value = 0;
  time("set, new", [&](uint32_t key) { weak.Set(kMap, key, key); });
  time("set, known", [&](uint32_t key) { weak.Set(kMap, key, key); });
  time("get", [&](uint32_t key) { weak.Get(kMap, key, &value); });
  time("delete", [&](uint32_t key) { weak.Delete(kMap, key); });
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const uint32_t count = quick ? 100'000 : 1'000'000;
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (!MarkerWorks(marker)) continue;
    Measure(marker, What::kNothing, "nothing", count, true);
    for (const bool dead : {false, true}) {
      Measure(marker, What::kWeak, "weak slots", count, dead);
      Measure(marker, What::kEphemerons, "ephemerons", count, dead);
      Measure(marker, What::kFinalizers, "finalizers", count, dead);
    }
  }
  MeasureMap(10'000);
  MeasureMap(count);
}
