#include "bench/run.h"

#include <time.h>

#include "bench/workloads.h"
#include "os/clock.h"

namespace faultline::bench {

namespace {

constexpr uint32_t kGaugeEvery = 64;
// A sleep ends late by about this much; what is left is waited for awake.
constexpr uint64_t kSleepSlackNs = 150 * kNsPerUs;

int32_t Load(const int32_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

void Sleep(uint64_t ns) {
  const timespec pause = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  nanosleep(&pause, nullptr);
}

class Runner {
 public:
  // `census` may be null.
  Runner(NativeMutator& mutator, Work& work, const RunOptions& options, Census* census)
      : mutator_(mutator), work_(work), options_(options), census_(census), pieces_(options.pieces) {}

  // False when the invocation ends early.
  bool All() {
    work_.Build();
    piece_left_ = 0;
    for (uint32_t i = 0; i < options_.warm_up && !Stopped(); ++i) {
      NotePiece();
      work_.Step(i);
      mutator_.Poll();
    }
    *pieces_++ = static_cast<double>(NowNs());
    if (!AwaitPhase(shared::kMeasure)) return false;
    mutator_.census = census_;
    Measure();
    if (options_.looks != nullptr) LookAround();
    if (!AwaitPhase(shared::kVerify)) return false;
    work_.Verify();
    return true;
  }

 private:
  bool Stopped() const { return Load(&options_.control[shared::kStop]) != 0; }

  bool AwaitPhase(int32_t phase) {
    mutator_.Park();
    __atomic_fetch_add(&options_.control[shared::kArrived], 1, __ATOMIC_ACQ_REL);
    while (Load(&options_.control[shared::kPhase]) < phase && !Stopped()) Sleep(100 * kNsPerUs);
    mutator_.Unpark();
    return !Stopped();
  }

  void AwaitTime(uint64_t until_ns) {
    for (uint64_t now = NowNs(); now < until_ns; now = NowNs()) {
      if (until_ns - now > 2 * kSleepSlackNs) {
        mutator_.Park();
        Sleep(until_ns - now - kSleepSlackNs);
        mutator_.Unpark();
      } else {
        mutator_.Poll();
        CpuRelax();
      }
    }
  }

  void Measure() {
    const uint64_t cpu = ThreadCpuNs();
    const uint64_t begin = NowNs();
    options_.gauges[gauge::kBeginNs] = static_cast<double>(begin);
    uint64_t ended = begin;
    piece_left_ = 0;
    for (uint32_t i = 0; i < options_.operations && !Stopped(); ++i) {
      NotePiece();
      uint64_t start = ended;
      if (options_.interval_ns > 0) {
        start = begin + static_cast<uint64_t>(i * options_.interval_ns);
        AwaitTime(start);
      }
      work_.Step(options_.warm_up + i);
      if (options_.requests != nullptr) {
        ended = NowNs();
        options_.requests[2 * size_t{i}] = static_cast<double>(start);
        options_.requests[2 * i + 1] = static_cast<double>(ended);
      }
      mutator_.Poll();
      if (i + 1 == options_.corrupt_at) work_.Corrupt();
      if (i % kGaugeEvery == 0) Tell(i);
    }
    Tell(options_.operations);
    options_.gauges[gauge::kEndNs] = *pieces_++ = static_cast<double>(NowNs());
    options_.gauges[gauge::kCpuNs] = static_cast<double>(ThreadCpuNs() - cpu);
  }

  // Until main wants the rest, which collects meanwhile, and no look is due that belongs to that time.
  void LookAround() {
    __atomic_fetch_add(&options_.control[shared::kArrived], 1, __ATOMIC_ACQ_REL);
    const uint64_t begin = NowNs();
    for (uint32_t i = 0; !Stopped(); ++i) {
      const uint64_t start = begin + static_cast<uint64_t>(i * options_.looks_interval_ns);
      const bool is_over = Load(&options_.control[shared::kPhase]) >= shared::kVerify;
      if (is_over && (NowNs() < start || i >= options_.most_looks)) return;
      AwaitTime(start);
      work_.Look();
      if (i < options_.most_looks) {
        options_.looks[2 * size_t{i}] = static_cast<double>(start);
        options_.looks[2 * i + 1] = static_cast<double>(NowNs());
      }
      mutator_.Poll();
    }
  }

  void NotePiece() {
    if (piece_left_ == 0) {
      *pieces_++ = static_cast<double>(NowNs());
      piece_left_ = options_.piece_steps;
    }
    --piece_left_;
  }

  void Tell(uint32_t operations) {
    options_.gauges[gauge::kOperations] = operations;
    options_.gauges[gauge::kLiveBytes] = work_.LiveBytes();
  }

  NativeMutator& mutator_;
  Work& work_;
  const RunOptions& options_;
  Census* const census_;
  double* pieces_;
  uint32_t piece_left_ = 0;
};

}  // namespace

RunResult Run(std::shared_ptr<HeapInstance> instance, const RunOptions& options) {
  RunResult result;
  NativeMutator mutator(std::move(instance));
  try {
    const std::unique_ptr<Work> work = MakeWork(options.workload, mutator, options.parameters, options.seed);
    if (work == nullptr) {
      result.known = false;
      return result;
    }
    if (options.counts) result.census = std::make_unique<Census>();
    Runner(mutator, *work, options, result.census.get()).All();
    result.checks = work->checks;
    result.mismatches = work->mismatches;
    result.checksum = work->checksum;
  } catch (const OutOfMemory&) {
    result.out_of_memory = true;
  }
  mutator.timeline().ForEachInterval([&](const Timeline::Interval& interval) { result.interruptions.push_back(interval); });
  return result;
}

}  // namespace faultline::bench
