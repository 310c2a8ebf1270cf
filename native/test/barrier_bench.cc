// Fault service by barrier: how long a mutator waits for a page that objects were moved to, in each userfaultfd mode, and what the three
// calls that fill a page cost alone.  Prints one JSON object.
//
// The modes take turns, round by round, in one process, on the same program.  The mutator runs on one CPU; a mode with a handler thread
// has one row with the thread on the same CPU and one on the other.
#include <sched.h>
#include <sys/mman.h>

#include <cstring>

#include "bench_scene.h"
#include "gc/faults/bare_fault.h"
#include "os/memory_file.h"
#include "os/views.h"

namespace faultline::test {
namespace {

constexpr uint32_t kRounds = 6;  // The first one warms up.

void RunOn(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  EXPECT(sched_setaffinity(0, sizeof set, &set) == 0);
}

// One heap of a row, from the first cycle to the last.
class Row {
 public:
  // Threads inherit the CPU of whoever makes them: the handler thread is made with the heap.
  Row(FaultModeKind mode, int handler_cpu, const char* place) : mode_(mode), place_(place) {
    RunOn(handler_cpu);
    test_ = std::make_unique<TestHeap>(BenchOptions(64, 0, mode));
    RunOn(0);
    mutator_ = std::make_unique<TestMutator>(test_.get());
    population_ = std::make_unique<Population>(test_.get(), mutator_.get(), Graph::kNearby, 24u << 20);
    mutator_->Park();
  }

  void Round(uint32_t round) {
    mutator_->Unpark();
    if (round > 0) population_->Refill(round);
    mutator_->Park();
    ManualCycle cycle(test_.get());
    EXPECT(cycle.UntilPlan());
    cycle.Flip();
    mutator_->Unpark();
    if (TraitsOf(mode_).barriered_loads) {
      TouchByLoads(round > 0);
    } else {
      TouchPages(round > 0);
    }
    mutator_->Park();
    cycle.Complete();
  }

  void Print(const char* comma) {
    std::sort(service_ns_.begin(), service_ns_.end());
    const Statistics& statistics = test_->heap.statistics;
    std::printf(
        "    {\"mode\": \"%s\", \"handler\": \"%s\", \"count\": %zu, \"p50Us\": %.2f, \"p90Us\": %.2f, \"p99Us\": %.2f, "
        "\"pagesContinued\": %llu, \"pagesCopied\": %llu}%s\n",
        NameOf(mode_), place_, service_ns_.size(), Us(At(service_ns_, 0.5)), Us(At(service_ns_, 0.9)), Us(At(service_ns_, 0.99)),
        static_cast<unsigned long long>(Read(statistics.pages_continued)), static_cast<unsigned long long>(Read(statistics.pages_copied)),
        comma);
    std::fflush(stdout);
  }

 private:
  void TouchPages(bool counts) {
    for (const RegionIndex target : test_->collector->plan().targets()) {
      const uint32_t pages = test_->collector->plan().UsedPagesOfTarget(target);
      for (uint32_t page = target == 0 ? 1 : 0; page < pages; ++page) {
        volatile uint64_t* const word = mutator_->words(FirstWordOfPage(FirstPageOfRegion(target) + page)) + 8;
        const uint64_t begin = NowNs();
        (void)*word;
        if (counts) service_ns_.push_back(NowNs() - begin);
      }
    }
  }

  // No page faults: the loads that had to build one.
  void TouchByLoads(bool counts) {
    const Counter& built = test_->heap.statistics.pages_by_mutators;
    for (uint32_t i = 0; i < population_->count(); ++i) {
      uint32_t* const slot = &population_->Slot(i);
      const uint64_t before = Read(built);
      const uint64_t begin = NowNs();
      (void)mutator_->Load(slot);
      const uint64_t end = NowNs();
      if (counts && Read(built) > before) service_ns_.push_back(end - begin);
    }
  }

  FaultModeKind mode_;
  const char* place_;
  std::unique_ptr<TestHeap> test_;
  std::unique_ptr<TestMutator> mutator_;
  std::unique_ptr<Population> population_;
  std::vector<uint64_t> service_ns_;
};

// --- The calls alone --------------------------------------------------------------------------------------------------

constexpr uint32_t kPages = 4096;

// Nanoseconds a page of `fill`, which is called once for each `batch` pages.
template <typename FillPages>
double PerPage(uint32_t batch, FillPages fill) {
  const uint64_t begin = NowNs();
  for (uint32_t page = 0; page < kPages; page += batch) fill(size_t{page} * kPageBytes, size_t{batch} * kPageBytes);
  return static_cast<double>(NowNs() - begin) / kPages;
}

uint8_t* PrivatePages() {
  void* const memory = mmap(nullptr, size_t{kPages} * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  EXPECT(madvise(memory, size_t{kPages} * kPageBytes, MADV_NOHUGEPAGE) == 0);
  return static_cast<uint8_t*>(memory);
}

struct Calls {
  double continue_ns = 0;
  double punch_ns = 0;
  double copy_ns = 0;
  double move_ns = 0;
};

Calls MeasureCalls(uint32_t batch) {
  constexpr size_t kBytes = size_t{kPages} * kPageBytes;
  std::vector<double> continues, punches, copies, moves;
  for (uint32_t round = 0; round < kRounds; ++round) {
    MemoryFile file;
    Views views;
    Userfaultfd shared;
    EXPECT(file.Create(kBytes).ok() && views.Create(file, nullptr).ok());
    EXPECT(views.PopulateAlias(0, kBytes).ok() && shared.Open(FaultDelivery::kSignal).ok());
    EXPECT(shared.Register(views.mutator_view(), views.span_bytes()).ok());
    const double continued =
        PerPage(batch, [&](size_t at, size_t bytes) { shared.Continue(views.mutator_view() + at, bytes, views.alias() + at); });
    const double punched = PerPage(batch, [&](size_t at, size_t bytes) { EXPECT(file.PunchHole(at, bytes).ok()); });
    uint8_t* const contents = PrivatePages();
    std::memset(contents, 1, kBytes);
    const double copied =
        PerPage(batch, [&](size_t at, size_t bytes) { shared.Copy(views.mutator_view() + at, bytes, contents + at, views.alias() + at); });
    // The same pages go on to other private memory, as recycled pages would.
    uint8_t* const view = PrivatePages();
    Userfaultfd own;
    EXPECT(own.Open(FaultDelivery::kSignal).ok() && own.RegisterMissing(view, kBytes).ok());
    double moved = 0;
    if (ProbeMove().between_private.error_number == 0) {
      moved = PerPage(batch, [&](size_t at, size_t bytes) { EXPECT(own.Move(view + at, contents + at, bytes).ok()); });
    }
    munmap(view, kBytes);
    munmap(contents, kBytes);
    if (round == 0) continue;
    continues.push_back(continued);
    punches.push_back(punched);
    copies.push_back(copied);
    moves.push_back(moved);
  }
  return {MedianOf(continues), MedianOf(punches), MedianOf(copies), MedianOf(moves)};
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  const int other_cpu = 1;
  std::vector<std::unique_ptr<Row>> rows;
  for (const FaultModeKind mode : FaultingModes()) {
    if (TraitsOf(mode).held_by == HeldBy::kThread) {
      rows.push_back(std::make_unique<Row>(mode, 0, "same CPU"));
      rows.push_back(std::make_unique<Row>(mode, other_cpu, "other CPU"));
    } else if (TraitsOf(mode).held_by == HeldBy::kBusSignal) {
      rows.push_back(std::make_unique<Row>(mode, 0, "the thread itself"));
    }
  }
  rows.push_back(std::make_unique<Row>(FaultModeKind::kLoadBarrier, 0, "the load itself"));
  for (uint32_t round = 0; round < kRounds; ++round) {
    for (const auto& row : rows) row->Round(round);
  }
  std::printf("{\n  \"faults\": [\n");
  for (size_t i = 0; i < rows.size(); ++i) rows[i]->Print(i + 1 < rows.size() ? "," : "");
  std::printf("  ],\n  \"nsAPage\": [\n");
  for (const uint32_t batch : {1u, 16u}) {
    const Calls calls = MeasureCalls(batch);
    std::printf("    {\"batch\": %u, \"continue\": %.0f, \"punch\": %.0f, \"copy\": %.0f, \"move\": %.0f}%s\n", batch, calls.continue_ns,
                calls.punch_ns, calls.copy_ns, calls.move_ns, batch == 16 ? "" : ",");
  }
  const MoveProbe moves = ProbeMove();
  std::printf("  ],\n  \"move\": {\"betweenPrivate\": \"%s\", \"intoShared\": \"%s\"}\n}\n",
              std::strerror(moves.between_private.error_number), std::strerror(moves.into_shared.error_number));
  return 0;
}
