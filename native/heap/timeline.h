// Timeline: how much of a mutator's time the collector took, in bins of 250 us, over the last minutes.
//
// It gives the utilization curve (minimum mutator utilization, Cheng & Blelloch 2001): the smallest share of the time that the mutator had
// to itself in any window.  Pauses, the service of page faults and waits for memory all count as collector time.  The latest interruptions
// are also kept one by one, for analyses that need a finer resolution than 250 us; slow paths of allocation are recorded only there,
// because a program takes and zeroes pages without a collector too.
//
// Two threads may add at once: the mutator, and the thread that has served its fault, which records it after the fact, when the mutator
// already runs again.  So there is a lock, held for a few stores.  The mutator reads, and may be a bin behind.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "heap/mapped_array.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/futex.h"

namespace faultline {

enum class Interruption : uint32_t { kPause, kFault, kStall, kSlowPath };

class Timeline {
 public:
  struct Interval {
    uint64_t start_ns;  // Of the monotonic clock.
    uint32_t length_ns;
    Interruption cause;
  };
  static constexpr uint64_t kIntervals = 1u << 20;  // Then the oldest are overwritten.

  static constexpr uint64_t kBinNs = 250'000;
  static constexpr uint64_t kBins = 1u << 20;  // 262 s, then the oldest are overwritten.

  Status Create() {
    start_ns_ = NowNs();
    if (Status status = intervals_.Create(kIntervals); !status.ok()) return status;
    return bins_.Create(kBins);
  }

  bool enabled() const { return bins_.data() != nullptr; }

  // Async-signal-safe.
  void AddCollectorTime(uint64_t from_ns, uint64_t until_ns, Interruption cause) {
    if (!enabled() || from_ns < start_ns_) return;
    while (adding_.exchange(true, std::memory_order_acquire)) CpuRelax();  // Partner: the store below.
    AddLocked(from_ns, until_ns, cause);
    adding_.store(false, std::memory_order_release);
  }

  // Calls visit(interval) for the recorded interruptions, the oldest first.  The caller is the mutator.
  template <typename Visit>
  void ForEachInterval(Visit visit) const {
    if (!enabled()) return;
    const uint64_t first = interval_count_ > kIntervals ? interval_count_ - kIntervals : 0;
    for (uint64_t i = first; i < interval_count_; ++i) visit(intervals_[i % kIntervals]);
  }

  // The worst share (0 … 1) of mutator time in any window of `window_ns` that lies within the recorded time.
  double WorstUtilization(uint64_t window_ns) const {
    if (!enabled()) return 1;
    const uint64_t window = window_ns / kBinNs;
    const uint64_t end = (NowNs() - start_ns_) / kBinNs;
    uint64_t begin = end > kBins ? end - kBins : 0;
    if (end - begin < window || window == 0) return 1;
    const uint64_t written = __atomic_load_n(&written_, __ATOMIC_RELAXED);
    uint64_t sum = 0;
    uint64_t worst = 0;
    for (uint64_t bin = begin; bin < end; ++bin) {
      sum += ValueOf(bin, written);
      if (bin - begin >= window) sum -= ValueOf(bin - window, written);
      if (sum > worst) worst = sum;
    }
    const uint64_t length = window * kBinNs;
    return worst >= length ? 0 : 1.0 - static_cast<double>(worst) / static_cast<double>(length);
  }

 private:
  void AddLocked(uint64_t from_ns, uint64_t until_ns, Interruption cause) {
    intervals_[interval_count_ % kIntervals] = {from_ns, static_cast<uint32_t>(std::min<uint64_t>(until_ns - from_ns, ~0u)), cause};
    const uint64_t count = interval_count_ + 1;
    DelayAt(DelayPoint::kTimeAdded);
    __atomic_store_n(&interval_count_, count, __ATOMIC_RELAXED);
    if (cause == Interruption::kSlowPath) return;
    uint64_t at = from_ns - start_ns_;
    const uint64_t end = until_ns - start_ns_;
    while (at < end) {
      const uint64_t bin = at / kBinNs;
      const uint64_t bin_end = (bin + 1) * kBinNs;
      const uint64_t piece = (end < bin_end ? end : bin_end) - at;
      uint32_t* cell = &bins_[bin % kBins];
      if (bin >= written_) Advance(bin);
      // Relaxed, and not a read-modify-write: there is one writer at a time.
      __atomic_store_n(cell, *cell + static_cast<uint32_t>(piece), __ATOMIC_RELAXED);
      at += piece;
    }
  }
  // Clears the bins between the last one written and `bin`, which hold an older lap.
  void Advance(uint64_t bin) {
    uint64_t from = written_;
    if (bin - from > kBins) from = bin - kBins + 1;
    if (bin >= kBins) {
      for (uint64_t i = from; i <= bin; ++i) bins_[i % kBins] = 0;
    }
    __atomic_store_n(&written_, bin + 1, __ATOMIC_RELAXED);
  }
  uint64_t ValueOf(uint64_t bin, uint64_t written) const {
    return bin < written ? __atomic_load_n(&bins_[bin % kBins], __ATOMIC_RELAXED) : 0;
  }

  std::atomic<bool> adding_{false};
  MappedArray<uint32_t> bins_;
  MappedArray<Interval> intervals_;
  uint64_t interval_count_ = 0;
  uint64_t start_ns_ = 0;
  uint64_t written_ = 0;
};

}  // namespace faultline
