// The marking half of `npm run bench:core`: how fast objects are marked against a traversal that marks nothing, what a mutator pays
// for a page that it is the first to write, and the last pause of a marking against heap size while mutators write.  Prints one JSON
// object; bench/marking.ts makes lines of it.  `marking_bench --remark MIB MARKINGS` measures the last of these alone.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include "os/clock.h"
#include "precleaning_rules.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint64_t kForeverNs = ~uint64_t{0};

template <typename T>
T At(std::vector<T> values, double share) {
  if (values.empty()) return T{};
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

TestHeap::Options BenchOptions(uint32_t capacity_regions, uint32_t workers, MarkerKind marker) {
  TestHeap::Options options;
  options.capacity_regions = capacity_regions;
  options.reserve_regions = 8;
  options.tlab_pages = 16;
  options.workers = workers;
  options.verify = false;
  options.mode = FaultModeKind::kStw;
  options.marker = marker;
  return options;
}

// Ends a cycle that only marks.
void Complete(TestHeap& test) {
  test.collector->Sweep();
  EXPECT(!test.collector->MakePlan({}, 0));
  test.ReleaseMarking();
  while (!test.collector->Finish(kForeverNs)) {
  }
}

// --- Rate -------------------------------------------------------------------------------------------------------------

struct RateFigures {
  double marked_per_us = 0;
  double traversed_per_us = 0;   // With nothing remembered; 0 where that would not end.
  double remembered_per_us = 0;  // With a bit for each object that was visited, set by plain stores.
};

enum class Graph { kTreeInOrder, kTreeScattered, kShared };

// Objects with six references.  The k-th object of the trees has the children 2k + 1 and 2k + 2 and four empty slots; in memory they lie
// in that order, or anywhere.  In the third graph the four lead anywhere: each object is found six times, as in a program's heap.
RateFigures MeasureRate(Graph graph, uint32_t objects) {
  constexpr uint32_t kFields = 6;
  TestHeap test(BenchOptions(objects / 20'000 + 16, 0, MarkerKind::kStopped));
  const ShapeId node = test.DefineShape(kFields, 1);
  const ShapeId array = test.DefineShape(0, 0, ElementKind::kReference, 2);
  TestMutator mutator(&test);
  mutator.handle(0) = mutator.Allocate(array, objects);
  std::vector<uint32_t> order(objects);
  for (uint32_t i = 0; i < objects; ++i) order[i] = i;
  Random random(11);
  if (graph == Graph::kTreeScattered) {
    for (uint32_t i = objects; i-- > 1;) std::swap(order[i], order[random.Below(i + 1)]);
  }
  const auto slot = [&](uint32_t i) -> uint32_t& { return mutator.slots(mutator.handle(0))[kHeaderSlots + i]; };
  for (uint32_t i = 0; i < objects; ++i) slot(order[i]) = mutator.Allocate(node);
  for (uint32_t i = 0; i < objects; ++i) {
    for (uint32_t field = 0; field < kFields; ++field) {
      const uint64_t child = field < 2 ? uint64_t{i} * 2 + 1 + field : graph == Graph::kShared ? random.Below(objects) : objects;
      mutator.reference(slot(i), field) = child < objects ? slot(static_cast<uint32_t>(child)) : 0;
    }
  }
  mutator.handle(1) = slot(0);
  mutator.handle(0) = 0;

  std::vector<uint64_t> seen;
  // The floors: the same objects through their headers and shapes.
  const auto traverse = [&](bool remember) {
    seen.assign(remember ? test.heap.bytes() / kWordBytes / 64 + 1 : 0, 0);
    std::vector<uint32_t> stack{mutator.handle(1)};
    const uint32_t* const slots = test.heap.slots();
    const Shape* const shapes = test.heap.shapes.data();
    uint64_t visited = 0;
    const uint64_t begin = NowNs();
    while (!stack.empty()) {
      const uint64_t object = uint64_t{stack.back()} * 2;
      stack.pop_back();
      ++visited;
      const Shape& shape = shapes[slots[object]];
      for (uint32_t field = 0; field < shape.reference_fields; ++field) {
        const uint32_t reference = slots[object + kHeaderSlots + field];
        if (reference == 0) continue;
        if (remember) {
          uint64_t& cell = seen[reference >> 6];
          const uint64_t bit = uint64_t{1} << (reference & 63);
          if ((cell & bit) != 0) continue;
          cell |= bit;
        }
        stack.push_back(reference);
      }
    }
    const uint64_t ns = NowNs() - begin;
    EXPECT(visited == objects || (remember && visited == objects + 1));  // The root has no bit at first.
    return static_cast<double>(visited) * 1e3 / static_cast<double>(ns);
  };
  std::vector<double> marked, traversed, remembered;
  for (uint32_t round = 0; round < 7; ++round) {
    if (graph != Graph::kShared) traversed.push_back(traverse(false));
    remembered.push_back(traverse(true));
    mutator.Park();
    test.Mark();
    const CycleReport& report = test.collector->report();
    EXPECT(report.marked_objects == objects);
    marked.push_back(static_cast<double>(report.marked_objects) * 1e3 / static_cast<double>(report.marking_ns));
    Complete(test);
    mutator.Unpark();
  }
  return {At(marked, 0.5), At(traversed, 0.5), At(remembered, 0.5)};
}

// --- First write --------------------------------------------------------------------------------------------------------

struct FirstWriteFigures {
  double armed_ns = 0;    // A page, written first while marking tracks writes.
  double again_ns = 0;    // The same pages once more in the same marking.
  double outside_ns = 0;  // The same outside a cycle.
};

FirstWriteFigures MeasureFirstWrite() {
  TestHeap test(BenchOptions(96, 0, MarkerKind::kBarrierFree));
  const ShapeId large = test.DefineShape(0, 0, ElementKind::kReference, 2);  // Leaves are not armed.
  TestMutator mutator(&test);
  constexpr uint32_t kPages = 64 * kRegionPages;
  mutator.handle(0) = mutator.Allocate(large, 2 * (kPages * kPageWords - 8));
  const auto write_all = [&] {
    volatile uint64_t* const words = mutator.words(mutator.handle(0));
    const uint64_t begin = NowNs();
    for (uint32_t page = 0; page < kPages - 1; ++page) words[page * kPageWords + 64] = 0;
    return static_cast<double>(NowNs() - begin) / (kPages - 1);
  };
  write_all();
  std::vector<double> armed, again, outside;
  for (uint32_t round = 0; round < 9; ++round) {
    outside.push_back(write_all());
    while (!test.collector->PrepareMarking(kForeverNs)) {
    }
    armed.push_back(write_all());
    again.push_back(write_all());
    mutator.Park();
    while (!test.collector->RootsPause(kForeverNs)) {
    }
    while (!test.collector->Trace(kForeverNs)) {
    }
    while (!test.collector->MarkPause(kForeverNs)) {
    }
    Complete(test);
    mutator.Unpark();
  }
  return {At(armed, 0.5), At(again, 0.5), At(outside, 0.5)};
}

// --- Remark -------------------------------------------------------------------------------------------------------------

struct RemarkFigures {
  uint32_t live_mib = 0;
  uint32_t markings = 0;
  double idle_p50_us = 0;  // Nobody writes: what is fixed, and the scan of the page tables.
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  double max_us = 0;
  double pages_p50 = 0;  // Written pages that the pause looked at.
  double pages_max = 0;
  double us_per_page = 0;
  double rounds = 0;
  double written_pages = 0;  // Looked at by rounds, per marking.
  double start_p50_us = 0;   // Of the pauses before the last one: each takes the roots, some the written set as well.
  double start_p99_us = 0;
  double deferrals = 0;  // Last pauses that became a round, per marking.
  double marking_ms = 0;
  double mb_per_s = 0;  // What each mutator wrote.
};

// Two mutators that overwrite live objects at random places, page by page, references included, at a set rate.
class Writers {
 public:
  static constexpr uint32_t kWriters = 2;
  static constexpr double kBytesPerNs = 0.1;  // 100 MB/s.
  static constexpr uint32_t kObjectWords = 16;
  static constexpr uint32_t kRun = kPageWords / kObjectWords;

  Writers(TestHeap* test, uint32_t objects) : test_(test), objects_(objects) {
    for (uint32_t writer = 0; writer < kWriters; ++writer) threads_.emplace_back([this, writer] { Write(writer); });
  }
  ~Writers() {
    ending_.store(true);
    for (std::thread& thread : threads_) thread.join();
  }
  double MbPerS() const { return static_cast<double>(written_.load()) * 1e3 / static_cast<double>(NowNs() - begin_) / kWriters; }

 private:
  void Write(uint32_t writer) {
    TestMutator mutator(test_, 16);
    Random random(writer + 1);
    uint64_t written = 0;
    const uint64_t begin = NowNs();
    while (!ending_.load(std::memory_order_relaxed)) {
      mutator.Poll();
      if (static_cast<double>(written) > static_cast<double>(NowNs() - begin) * kBytesPerNs) {
        mutator.Park();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        mutator.Unpark();
        continue;
      }
      const uint32_t first = random.Below(objects_ - kRun);
      for (uint32_t i = first; i < first + kRun; ++i) {
        const WordIndex object = Object(mutator, i);
        for (uint32_t field = 0; field < 4; ++field) mutator.reference(object, field) = Object(mutator, random.Below(objects_));
        for (uint32_t word = 3; word < kObjectWords; ++word) mutator.words(object)[word] = written;
      }
      written += kRun * kObjectWords * kWordBytes;
      written_.fetch_add(kRun * kObjectWords * kWordBytes, std::memory_order_relaxed);
    }
  }
  WordIndex Object(TestMutator& mutator, uint32_t i) { return mutator.slots(test_->heap.shared_roots[0])[kHeaderSlots + i]; }

  TestHeap* test_;
  const uint32_t objects_;
  const uint64_t begin_ = NowNs();
  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> written_{0};
  std::vector<std::thread> threads_;
};

// Returns how often the last pause became a round.
size_t MarkOnce(TestHeap& test, std::vector<double>* start_pauses_us) {
  Collector& collector = *test.collector;
  const auto note = [&] { start_pauses_us->push_back(static_cast<double>(collector.report().mark_start_pause_ns) / 1e3); };
  const auto trace = [&] {
    while (!collector.RootsPause(kForeverNs)) {
    }
    note();
    while (!collector.Trace(NowNs() + 20 * kNsPerMs)) {
    }
  };
  while (!collector.PrepareMarking(NowNs() + 20 * kNsPerMs)) {
  }
  trace();
  for (std::vector<uint64_t> pages; AnotherRound(pages);) {
    trace();
    pages.push_back(collector.marker().written_pages());
  }
  std::vector<uint64_t> deferrals;
  for (;;) {
    MarkPauseOutcome outcome = MarkPauseOutcome::kNotStopped;
    while (outcome == MarkPauseOutcome::kNotStopped) {
      outcome = collector.MarkPause(kForeverNs, MostPagesInPause(deferrals));
    }
    if (outcome == MarkPauseOutcome::kMarked) break;
    note();
    while (!collector.Trace(NowNs() + 20 * kNsPerMs)) {
    }
    deferrals.push_back(collector.marker().written_pages());
  }
  Complete(test);
  return deferrals.size();
}

RemarkFigures MeasureRemark(uint32_t live_mib, uint32_t markings) {
  TestHeap test(BenchOptions(live_mib + live_mib / 16 + 16, 1, MarkerKind::kBarrierFree));
  const uint32_t objects = live_mib * (kRegionWords / Writers::kObjectWords);
  {
    const ShapeId node = test.DefineShape(4, 13);
    const ShapeId array = test.DefineShape(0, 0, ElementKind::kReference, 2);
    EXPECT(test.heap.shapes[node].Words(0) == Writers::kObjectWords);
    TestMutator mutator(&test);
    test.heap.shared_roots[0] = mutator.Allocate(array, objects);
    for (uint32_t i = 0; i < objects; ++i) {
      const WordIndex object = mutator.Allocate(node);
      EXPECT(object != 0);
      mutator.slots(test.heap.shared_roots[0])[kHeaderSlots + i] = object;
    }
  }
  RemarkFigures figures;
  figures.live_mib = live_mib;
  figures.markings = markings;
  const CycleReport& report = test.collector->report();
  std::vector<double> idle, remark, pages, rounds, written, start, deferrals, marking;
  for (uint32_t i = 0; i < std::min(5u, markings); ++i) {
    MarkOnce(test, &start);
    idle.push_back(static_cast<double>(report.mark_pause_ns) / 1e3);
  }
  start.clear();
  {
    Writers writers(&test, objects);
    for (uint32_t i = 0; i < markings; ++i) {
      deferrals.push_back(static_cast<double>(MarkOnce(test, &start)));
      remark.push_back(static_cast<double>(report.mark_pause_ns) / 1e3);
      pages.push_back(static_cast<double>(report.remark_pages));
      rounds.push_back(report.marking_rounds);
      written.push_back(static_cast<double>(report.written_pages));
      marking.push_back(static_cast<double>(report.marking_ns) / 1e6);
    }
    figures.mb_per_s = writers.MbPerS();
  }
  figures.idle_p50_us = At(idle, 0.5);
  figures.p50_us = At(remark, 0.5);
  figures.p90_us = At(remark, 0.9);
  figures.p99_us = At(remark, 0.99);
  figures.max_us = At(remark, 1);
  figures.pages_p50 = At(pages, 0.5);
  figures.pages_max = At(pages, 1);
  figures.us_per_page = figures.pages_p50 > 0 ? std::max(0.0, figures.p50_us - figures.idle_p50_us) / figures.pages_p50 : 0;
  figures.rounds = At(rounds, 0.5);
  figures.written_pages = At(written, 0.5);
  figures.start_p50_us = At(start, 0.5);
  figures.start_p99_us = At(start, 0.99);
  figures.deferrals = std::accumulate(deferrals.begin(), deferrals.end(), 0.0) / markings;
  figures.marking_ms = At(marking, 0.5);
  return figures;
}

void PrintRate(const char* name, const RateFigures& rate, const char* comma) {
  std::printf("    \"%s\": {\"markedPerUs\": %.2f, \"traversedPerUs\": %.2f, \"rememberedPerUs\": %.2f}%s\n", name, rate.marked_per_us,
              rate.traversed_per_us, rate.remembered_per_us, comma);
  std::fflush(stdout);
}

void PrintRemark(const RemarkFigures& f, const char* comma) {
  std::printf(
      "      {\"liveMib\": %u, \"markings\": %u, \"idleP50Us\": %.1f, \"p50Us\": %.1f, \"p90Us\": %.1f, "
      "\"p99Us\": %.1f, \"maxUs\": %.1f, \"pagesP50\": %.0f, "
      "\"pagesMax\": %.0f, \"usPerPage\": %.2f, \"rounds\": %.0f, \"writtenPages\": %.0f, \"startP50Us\": %.1f, "
      "\"startP99Us\": %.1f, \"deferrals\": %.1f, "
      "\"markingMs\": %.1f, \"mbPerS\": %.1f}%s\n",
      f.live_mib, f.markings, f.idle_p50_us, f.p50_us, f.p90_us, f.p99_us, f.max_us, f.pages_p50, f.pages_max, f.us_per_page, f.rounds,
      f.written_pages, f.start_p50_us, f.start_p99_us, f.deferrals, f.marking_ms, f.mb_per_s, comma);
  std::fflush(stdout);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  if (argc == 4 && std::string(argv[1]) == "--remark") {
    PrintRemark(MeasureRemark(static_cast<uint32_t>(std::stoul(argv[2])), static_cast<uint32_t>(std::stoul(argv[3]))), "");
    return 0;
  }
  const uint32_t objects = quick ? 500'000 : 3'000'000;
  std::printf("{\n  \"rate\": {\n");
  PrintRate("treeInOrder", MeasureRate(Graph::kTreeInOrder, objects), ",");
  PrintRate("treeScattered", MeasureRate(Graph::kTreeScattered, objects), ",");
  PrintRate("sharedGraph", MeasureRate(Graph::kShared, objects), "");
  std::printf("  },\n  \"barrierFree\": %s", MarkerWorks(MarkerKind::kBarrierFree) ? "{\n" : "null\n}\n");
  if (!MarkerWorks(MarkerKind::kBarrierFree)) return 0;
  const FirstWriteFigures write = MeasureFirstWrite();
  std::printf("    \"firstWrite\": {\"armedNs\": %.1f, \"againNs\": %.1f, \"outsideNs\": %.1f},\n    \"remark\": [\n", write.armed_ns,
              write.again_ns, write.outside_ns);
  const std::vector<uint32_t> sizes = quick ? std::vector<uint32_t>{64, 256} : std::vector<uint32_t>{64, 256, 1024, 4096};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const uint32_t markings = quick ? 10 : sizes[i] >= 4096 ? 10 : 110;
    PrintRemark(MeasureRemark(sizes[i], markings), i + 1 < sizes.size() ? "," : "");
  }
  std::printf("    ]\n  }\n}\n");
  return 0;
}
