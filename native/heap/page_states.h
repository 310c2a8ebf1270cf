// Page states: who builds a page, and when it may be seen.
//
//     untouched ──claim──▶ building ──publish──▶ built ──CONTINUE──▶ mapped
//
//   transition            who                       operation, order            partner
//   untouched→building    worker or faulting thread CAS acquire                 Publish of this page's last cycle
//   building→built        the claimer               exchange release            Load acquire of waiters and mappers
//   built→mapped          whoever mapped it         store release               Load acquire; repeated stores are equal
//   any→mapped            allocator, fresh page     store release               Load acquire (a page that held nothing)
//
// Each word carries the number of the cycle that wrote it.  A word of another cycle counts as untouched, so nothing is
// reset between cycles, and a claim made with a stale word fails.  While a page is `building`, the flag kWaited says
// that somebody sleeps on the word.
#pragma once

#include <atomic>
#include <cstdint>

#include "heap/layout.h"
#include "heap/mapped_array.h"
#include "os/futex.h"
#include "os/invariant.h"

namespace faultline {

enum class PageState : uint32_t { kUntouched = 0, kBuilding = 1, kBuilt = 2, kMapped = 3 };

class PageStates {
 public:
  // Cycle numbers run from 1 to kCycleLimit - 1 and then start again, after Reset.
  static constexpr uint32_t kCycleLimit = 1u << 29;

  Status Create(size_t page_count) { return words_.Create(page_count); }
  void Reset() { words_.DropPages(); }
  size_t bytes() const { return words_.bytes(); }

  PageState Load(PageIndex page, uint32_t cycle) const {
    const uint32_t word = Word(page)->load(std::memory_order_acquire);
    return (word >> kCycleShift) == cycle ? static_cast<PageState>(word & kStateMask) : PageState::kUntouched;
  }

  // True when the caller now owns the page and must Publish it.
  bool TryClaim(PageIndex page, uint32_t cycle) {
    std::atomic<uint32_t>* cell = Word(page);
    uint32_t word = cell->load(std::memory_order_relaxed);
    if ((word >> kCycleShift) == cycle && (word & kStateMask) != 0) return false;
    return cell->compare_exchange_strong(word, Pack(cycle, PageState::kBuilding), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  void Publish(PageIndex page, uint32_t cycle) {
    std::atomic<uint32_t>* cell = Word(page);
    const uint32_t before = cell->exchange(Pack(cycle, PageState::kBuilt), std::memory_order_release);
    FAULTLINE_CHECK((before & ~kWaited) == Pack(cycle, PageState::kBuilding),
                    "(O) only the claimer publishes a page, once", page, before);
    if ((before & kWaited) != 0) FutexWakeAll(cell);
  }

  // Also for pages that the allocator hands out: they hold nothing that a cycle could have to change.
  void SetMapped(PageIndex page, uint32_t cycle) {
    Word(page)->store(Pack(cycle, PageState::kMapped), std::memory_order_release);
  }

  // Waits until nobody builds the page: a short spin, then sleep.  The caller holds no claim (no circle of waiters).
  void AwaitBuilt(PageIndex page, uint32_t cycle) {
    for (uint32_t spin = 0; spin < kSpins; ++spin) {
      if (Load(page, cycle) != PageState::kBuilding) return;
      CpuRelax();
    }
    std::atomic<uint32_t>* cell = Word(page);
    for (;;) {
      uint32_t word = cell->load(std::memory_order_acquire);
      if ((word & ~kWaited) != Pack(cycle, PageState::kBuilding)) return;
      if ((word & kWaited) == 0 &&
          !cell->compare_exchange_weak(word, word | kWaited, std::memory_order_relaxed, std::memory_order_relaxed)) {
        continue;
      }
      FutexWait(cell, word | kWaited, kSleepLimitNs);
    }
  }

 private:
  static constexpr uint32_t kStateMask = 3;
  static constexpr uint32_t kWaited = 4;
  static constexpr uint32_t kCycleShift = 3;
  static constexpr uint32_t kSpins = 200;
  static constexpr uint64_t kSleepLimitNs = 10'000'000;

  static constexpr uint32_t Pack(uint32_t cycle, PageState state) {
    return (cycle << kCycleShift) | static_cast<uint32_t>(state);
  }
  std::atomic<uint32_t>* Word(PageIndex page) { return reinterpret_cast<std::atomic<uint32_t>*>(&words_[page]); }
  const std::atomic<uint32_t>* Word(PageIndex page) const {
    return reinterpret_cast<const std::atomic<uint32_t>*>(&words_[page]);
  }

  MappedArray<uint32_t> words_;
};

}  // namespace faultline
