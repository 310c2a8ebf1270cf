// Page states: which thread builds a page, and when the page may be seen.
//
//     untouched ──claim──▶ building ──publish──▶ built ──show──▶ mapped
//         └──────────────────── hand out ──────────────────────────▲
//
// kPageTransitions lists every transition once, with its operation and memory order.  The operations of PageStates are written in terms of
// it, docs/concurrency.md explains it, and test/model explores the protocol that uses it.
//
// Each word carries the number of the cycle that wrote it.  A word of another cycle counts as untouched, so nothing is reset between
// cycles, and a claim made with a stale word fails.  While a page is `building`, the flag kWaited says that a thread sleeps on the word.
#pragma once

#include <atomic>
#include <cstdint>

#include "heap/layout.h"
#include "heap/mapped_array.h"
#include "os/futex.h"
#include "os/invariant.h"

namespace faultline {

enum class PageState : uint32_t { kUntouched = 0, kBuilding = 1, kBuilt = 2, kMapped = 3 };

enum class PageOperation : uint8_t { kClaim, kAwait, kPublish, kNoteMapped, kHandOut };
enum class AtomicInstruction : uint8_t { kCompareExchange, kExchange, kStore };

struct PageTransition {
  PageOperation operation;
  const char* who;
  PageState from;
  PageState to;
  AtomicInstruction instruction;
  std::memory_order order;
  const char* partner;
};

inline constexpr PageTransition kPageTransitions[] = {
    {PageOperation::kClaim, "a worker, or a thread that serves a fault", PageState::kUntouched, PageState::kBuilding,
     AtomicInstruction::kCompareExchange, std::memory_order_acquire, "what the last cycle stored for this page"},
    // Sets the flag kWaited.
    {PageOperation::kAwait, "a thread that waits", PageState::kBuilding, PageState::kBuilding, AtomicInstruction::kCompareExchange,
     std::memory_order_relaxed, "the exchange of publish, which sees the flag and wakes"},
    {PageOperation::kPublish, "the claimer, once", PageState::kBuilding, PageState::kBuilt, AtomicInstruction::kExchange,
     std::memory_order_release, "the acquire Load of the thread that waits or shows"},
    {PageOperation::kNoteMapped, "the thread that showed it", PageState::kBuilt, PageState::kMapped, AtomicInstruction::kStore,
     std::memory_order_release, "the acquire Load"},
    {PageOperation::kNoteMapped, "another thread that showed it", PageState::kMapped, PageState::kMapped, AtomicInstruction::kStore,
     std::memory_order_release, "the acquire Load"},
    {PageOperation::kHandOut, "the allocator, for a page that held nothing at the flip; the flip, for page 0", PageState::kUntouched,
     PageState::kMapped, AtomicInstruction::kStore, std::memory_order_release, "the acquire Load"},
};

// The operation's first row: what it does if no other thread was faster.
constexpr PageTransition TransitionOf(PageOperation operation) {
  for (const PageTransition& row : kPageTransitions) {
    if (row.operation == operation) return row;
  }
  return kPageTransitions[0];
}

constexpr bool MayFollow(PageOperation operation, PageState from) {
  for (const PageTransition& row : kPageTransitions) {
    if (row.operation == operation && row.from == from) return true;
  }
  return false;
}

class PageStates {
 public:
  // Cycle numbers run from 1 to kCycleLimit - 1 and then start again, after Reset.
  static constexpr uint32_t kCycleLimit = 1u << 29;

  Status Create(size_t page_count) { return words_.Create(page_count); }
  void Reset() { words_.DropPages(); }
  size_t bytes() const { return words_.bytes(); }

  PageState Load(PageIndex page, uint32_t cycle) const { return StateIn(Word(page)->load(std::memory_order_acquire), cycle); }

  // True when the caller now owns the page and must Publish it.
  bool TryClaim(PageIndex page, uint32_t cycle) {
    constexpr PageTransition kClaim = TransitionOf(PageOperation::kClaim);
    std::atomic<uint32_t>* cell = Word(page);
    uint32_t word = cell->load(std::memory_order_relaxed);
    if (StateIn(word, cycle) != kClaim.from) return false;
    return cell->compare_exchange_strong(word, Pack(cycle, kClaim.to), kClaim.order, std::memory_order_relaxed);
  }

  void Publish(PageIndex page, uint32_t cycle) {
    constexpr PageTransition kPublish = TransitionOf(PageOperation::kPublish);
    std::atomic<uint32_t>* cell = Word(page);
    const uint32_t before = cell->exchange(Pack(cycle, kPublish.to), kPublish.order);
    FAULTLINE_CHECK((before & ~kWaited) == Pack(cycle, kPublish.from), "(O) only the claimer publishes a page, once", page, before);
    if ((before & kWaited) != 0) FutexWakeAll(cell);
  }

  // The page has been shown.
  void NoteMapped(PageIndex page, uint32_t cycle) { Store(PageOperation::kNoteMapped, page, cycle); }

  // For pages that the allocator hands out: they hold nothing that a cycle might have to change.
  void HandOut(PageIndex page, uint32_t cycle) { Store(PageOperation::kHandOut, page, cycle); }

  // Waits until no thread builds the page: spins briefly, then sleeps.  The caller holds no claim, so there is no circle of waiters.
  void AwaitBuilt(PageIndex page, uint32_t cycle) {
    for (uint32_t spin = 0; spin < kSpins; ++spin) {
      if (Load(page, cycle) != PageState::kBuilding) return;
      CpuRelax();
    }
    constexpr PageTransition kAwait = TransitionOf(PageOperation::kAwait);
    std::atomic<uint32_t>* cell = Word(page);
    for (;;) {
      uint32_t word = cell->load(std::memory_order_acquire);
      if (StateIn(word, cycle) != kAwait.from) return;
      if ((word & kWaited) == 0 && !cell->compare_exchange_weak(word, word | kWaited, kAwait.order, std::memory_order_relaxed)) {
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

  static constexpr uint32_t Pack(uint32_t cycle, PageState state) { return (cycle << kCycleShift) | static_cast<uint32_t>(state); }
  static constexpr PageState StateIn(uint32_t word, uint32_t cycle) {
    return (word >> kCycleShift) == cycle ? static_cast<PageState>(word & kStateMask) : PageState::kUntouched;
  }
  void Store(PageOperation operation, PageIndex page, uint32_t cycle) {
    const PageTransition transition = TransitionOf(operation);
    std::atomic<uint32_t>* cell = Word(page);
    FAULTLINE_CHECK(MayFollow(operation, StateIn(cell->load(std::memory_order_relaxed), cycle)),
                    "(O) a page is noted as mapped when it is built, or held nothing", page, cell->load(std::memory_order_relaxed));
    cell->store(Pack(cycle, transition.to), transition.order);
  }
  std::atomic<uint32_t>* Word(PageIndex page) { return reinterpret_cast<std::atomic<uint32_t>*>(&words_[page]); }
  const std::atomic<uint32_t>* Word(PageIndex page) const { return reinterpret_cast<const std::atomic<uint32_t>*>(&words_[page]); }

  MappedArray<uint32_t> words_;
};

}  // namespace faultline
