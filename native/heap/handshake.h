// Handshake: stopping and resuming the mutators of one heap.
//
//     parked ──unpark (CAS, refused while a stop is requested)──▶ running
//       ▲                                                            │
//       └──────────────── park, or a poll that finds a stop ─────────┘
//
// The state word has four bits: running, stop requested, asleep, and stop elsewhere: a stop is requested of another mutator of the same
// thread (heap/thread_state.h).
//
//   transition                  who        operation, order            partner
//   park: clear running         mutator    fetch_and seq_cst           TryStop's acquire load
//   unpark: 0 → running         mutator    CAS seq_cst                 Stop's seq_cst fetch_or: one sees the other
//   unpark under a request      mutator    fetch_or, under the lock    TryStop's check of all words, under the lock
//   request: set stop           collector  fetch_or seq_cst            unpark's CAS, the plain load of a poll
//   resume: clear stop, asleep  collector  fetch_and release           unpark's CAS (acquire part)
//   asleep                      mutator    CAS relaxed                 resume wakes all sleepers if any mutator has the bit set
//   wait for the resume         mutator    load acquire, before it     resume's fetch_add release, after all words are clear: either the
//                                          reads its own word          word is clear, or the futex has another value
//
// All mutators sleep on one futex, so that one call wakes them all: a collector that woke them one by one would lose its CPU to the first,
// and the others would stand still until it had it back.
//
// A poll in JavaScript is a plain load of this word; it may see a request late, but never a wrong one.
//
// These are the steps of one mutator; a thread always waits with all its mutators (heap/thread_state.h).  Nothing here waits for ever: each
// wait ends after the caller's limit, so that a thread can check whether it is to end.
//
// Which thread is "the collector" changes: control threads come and go, and the collector's fields are used by their successors, or by a
// thread that ends while a stop is under way.  Each does so as the control thread of the heap, one after the other.  Which thread that is,
// is decided under HeapInstance's lock, which orders the accesses of one before those of the next; a thread gives up the role after its
// last access.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "heap/mutator.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/futex.h"
#include "os/lock.h"

namespace faultline {

class Handshake {
 public:
  // Mutators.  Add leaves the mutator parked.  Add and Remove wait for the end of a pause that is under way; the Try forms are refused
  // then.
  void Add(Mutator* mutator);
  bool TryAdd(Mutator* mutator);
  // Parks the mutator for good.  `retire` runs just before it leaves the list, at a moment when no pause reads the list.  Waits for a pause
  // that is under way, never for one that is only requested: a thread that ends must not depend on other threads reaching a safepoint
  // (process.exit() joins one worker after the other).
  template <typename Retire>
  void Remove(Mutator* mutator, Retire retire) {
    Park(mutator);
    ChangeAfterPause([&] {
      retire();
      std::erase(mutators_, mutator);
    });
  }
  void Remove(Mutator* mutator) {
    Remove(mutator, [] {});
  }
  template <typename Retire>
  bool TryRemove(Mutator* mutator, Retire retire) {
    return TryChange([&] {
      retire();
      std::erase(mutators_, mutator);
    });
  }
  // Changes data that pauses read, at a moment when none does; refused during a pause.  A running mutator is never refused.
  template <typename Change>
  bool TryChange(Change change) {
    const LockGuard guard(lock_);
    if (stopped_) return false;
    change();
    return true;
  }
  // The same after a refusal: makes the change at the end of the pause under way, which needs nothing from the caller to end.  The next
  // pause waits for the change, so back-to-back pauses delay a caller by one pause at most.
  template <typename Change>
  void ChangeAfterPause(Change change) {
    std::unique_lock<Lock> guard(lock_);
    ++changes_due_;
    while (stopped_) {
      const uint32_t resumptions = resumptions_.load(std::memory_order_relaxed);  // Both change under the lock.
      guard.unlock();
      DelayAt(DelayPoint::kHeldUp);
      FutexWait(&resumptions_, resumptions, kMostSleepNs);
      guard.lock();
    }
    change();
    if (--changes_due_ != 0) return;
    acknowledged_.fetch_add(1, std::memory_order_release);  // Partner: TryStop's load.
    FutexWakeAll(&acknowledged_);
  }
  // True if it was running.
  bool Park(Mutator* mutator);
  // True once the mutator runs; refused while a stop is requested.
  bool TryRun(Mutator* mutator);
  // The same, but refused only during a pause.  The mutator may then run under a request, until its next safepoint.
  bool TryRunUnlessStopped(Mutator* mutator);
  // Waits until no stop is requested of the mutator, or the limit is over.
  void AwaitResume(Mutator* mutator, uint64_t limit_ns);

  // Collector.  TryStop requests the stop and waits; false if a mutator still runs (call again, or Resume).
  bool TryStop(uint64_t limit_ns);
  void Resume();
  // Called by the thread that stops and resumes.
  bool stopped() const { return stopped_; }
  // When the request that led to the current stop was made, and when the last mutator had stopped.
  uint64_t requested_ns() const { return requested_ns_; }
  uint64_t stopped_ns() const { return stopped_ns_; }
  // When the last stop was over: mutators may run from then on, whenever they are woken.
  uint64_t resumed_ns() const { return resumed_ns_; }

  // The world is stopped, or `lock()` is held.
  const std::vector<Mutator*>& mutators() const { return mutators_; }
  Lock& lock() { return lock_; }
  uint32_t count();

  // Sets control[kLogging] of mutators that are added later.  The world is stopped.
  void set_logging(bool logging) { logging_ = logging; }
  // Sets control[kLoadBarrier] of all mutators, and of those that are added later.  The world is stopped.
  void SetLoadBarrier(bool on);

  // How mutators read weak slots: sets control[kWeakAccess] of all mutators, and of those that are added later.
  void SetWeakAccess(uint32_t access);
  // Partner of SetWeakAccess; see heap/weak_access.h.
  uint32_t weak_access() const { return weak_access_.load(std::memory_order_seq_cst); }

 private:
  static constexpr uint64_t kMostSleepNs = 20 * kNsPerMs;

  void AddNow(Mutator* mutator);  // The caller holds the lock; not during a pause.
  bool AllStopped();
  void Nudge(Mutator* mutator);  // Once a request, if it runs.  The caller holds the lock.
  void NudgeRunning();

  Lock lock_;  // Guards the list and the stop request; held for a walk over the list at most.
  std::vector<Mutator*> mutators_;
  uint32_t next_id_ = 1;
  bool requested_ = false;                 // Written under lock_ by the collector, the only thread that reads it without.
  std::atomic<uint32_t> acknowledged_{0};  // Futex word: grows when a mutator parks under a request.
  std::atomic<uint32_t> resumptions_{0};   // Futex word: grows with each resume.

  std::atomic<uint32_t> weak_access_{0};
  bool load_barrier_ = false;  // Like logging_.
  bool logging_ = false;       // Under lock_, or the world is stopped and nobody can be added.
  bool stopped_ = false;       // Under lock_: from the moment when no mutator runs until Resume.
  uint32_t changes_due_ = 0;   // Under lock_: threads whose change a pause has refused.

  // Used by one control thread after the other.
  bool nudged_ = false;
  uint64_t requested_ns_ = 0;
  uint64_t stopped_ns_ = 0;
  uint64_t resumed_ns_ = 0;
};

}  // namespace faultline
