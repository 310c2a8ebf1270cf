// CompactionGate: which threads may build pages, and when the last of them has left.
//
// One word: bit 0 says that a compaction is open, the other bits count the threads inside.
//
//   Open    control, mutators stopped   store release             Enter's CAS acquire
//   Enter   fault handlers              CAS acquire, only if open  Leave / Close
//   Leave   fault handlers              fetch_sub release          Close's acquire load: their pages are complete
//   Close   control                     fetch_and acq_rel, then waits for the count to be 0
//
// A handler that comes too late is turned away; it can only retry its instruction, on a page that is complete by then.  It cannot reach
// into a later cycle, because its mutator would have had to stop for that cycle's flip.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "os/clock.h"
#include "os/futex.h"

namespace faultline {

class CompactionGate {
 public:
  void Open() { word_.store(kOpen, std::memory_order_release); }

  bool Enter() {
    uint64_t word = word_.load(std::memory_order_relaxed);
    while ((word & kOpen) != 0) {
      if (word_.compare_exchange_weak(word, word + kOne, std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void Leave() { word_.fetch_sub(kOne, std::memory_order_release); }

  // Admits no more threads; true once all have left, false after the time limit (call again).
  bool TryClose(uint64_t deadline_ns) {
    word_.fetch_and(~kOpen, std::memory_order_acq_rel);
    for (uint32_t spin = 0; word_.load(std::memory_order_acquire) != 0; ++spin) {
      if (spin < 100) {
        CpuRelax();
        continue;
      }
      if (NowNs() >= deadline_ns) return false;
      sched_yield();
    }
    return true;
  }

  bool is_open() const { return (word_.load(std::memory_order_acquire) & kOpen) != 0; }

 private:
  static constexpr uint64_t kOpen = 1;
  static constexpr uint64_t kOne = 2;
  std::atomic<uint64_t> word_{0};
};

}  // namespace faultline
