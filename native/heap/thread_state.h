// Thread state: a thread has one state, not one per heap.
//
// A thread may be a mutator of several heaps, but it can wait for only one thing at a time.  If it waited for one heap and counted as
// running in another, two threads could wait for each other in two heaps:
//
//     thread 1   waits for memory of heap A, runs in B          heap A's collection waits for thread 2 to stop
//     thread 2   waits for memory of heap B, runs in A          heap B's collection waits for thread 1 to stop
//
// Hence the law:
//
//   (H) A thread that waits in this library is parked in all its heaps, and holds no lock (os/lock.h).  When it returns, it runs in all
//   heaps
//       in which the wait has parked it, or in none: if one of them is in a pause, the mutators already resumed are parked again.
//
//     running in some of its heaps ──ThreadWait: park those──▶ parked in all ──return: all or nothing──▶ running in the same
//
// A mutator that its program has parked is no part of the wait: it stays parked.
//
//   shared                      written by                  read by                     order
//   Mutator::state, running     the mutator's own thread    collectors                  heap/handshake.h
//   Mutator::state, elsewhere   a collector sets it; the    the polls of the thread     set: release, after the request itself; cleared:
//                               thread itself clears it                                 acq_rel, before the check of all words: one sees
//                                                                                       the other
//   Mutator::stands_still       the mutator's own thread    collectors, in pauses       heap/mutator.h
//   the list of mutators        its thread, under lock_     its thread; a collector     lock_
//                                                           that announces, under lock_
//
// Lock order: Handshake::lock_, then ThreadState::lock_.  The fault handler reads the list of its own thread, without the lock.
#pragma once

#include "heap/handshake.h"
#include "heap/mutator.h"
#include "os/lock.h"

namespace faultline {

// Whether a wait is to be cut short, and by what.
enum class WaitCut {
  kNone,
  kScript,  // The script that waits is being ended, and its thread lives on (a time limit of `vm`).
  kThread,  // The thread is being ended: it runs no JavaScript any more.
};

class WaitWatch {
 public:
  virtual ~WaitWatch() = default;
  // Called from time to time by the waiting thread, parked.
  virtual WaitCut Look() = 0;
  // For threads that nothing cuts short.
  static WaitWatch& Never();
};

// The longest time that a wait goes without checking whether it is cut short.
inline constexpr uint64_t kWaitSliceNs = 20 * 1'000'000ull;

class ThreadState {
 public:
  // The calling thread's state.  Async-signal-safe.
  static ThreadState& Current();

  // By the thread itself.  The mutator is parked when it is added.
  void Add(Mutator* mutator);
  void Remove(Mutator* mutator);
  Mutator* first() const { return first_; }

  // A stop was requested of one of the thread's mutators: makes the polls of the others notice it; the polls of all, with null.  Any
  // thread.
  void Announce(const Mutator* asked);

  // By the thread itself: whether one of its running mutators has to stop.
  bool IsStopRequested();
  bool IsRunning() const;
  void ParkAll();

 private:
  Lock lock_;
  Mutator* first_ = nullptr;
};

// Parks the calling thread in all its heaps until Return, or the end of the scope.
class ThreadWait {
 public:
  // What runs on the thread during the wait, besides this library.
  enum class Meanwhile { kNothing, kProgram };

  explicit ThreadWait(WaitWatch& watch, Meanwhile meanwhile = Meanwhile::kNothing);
  ~ThreadWait() { Return(); }
  ThreadWait(const ThreadWait&) = delete;
  ThreadWait& operator=(const ThreadWait&) = delete;

  // Return will resume this mutator with the others, though it was parked before the wait.
  void Include(Mutator& mutator) { mutator.wait = this; }

  // Resumes the mutators, however long that takes.  False only if the thread is being ended: then its mutators stay parked, as its end
  // requires.  A wait whose script is cut short waits for a pause under way, but not for a stop that is only requested; the next poll
  // stops.
  bool Return();

 private:
  void ParkRunning();
  bool TryReturn(uint64_t limit_ns);
  Mutator* TakeAll();
  template <typename Visit>
  void ForEachMutator(Visit visit);

  ThreadState& thread_;
  WaitWatch& watch_;
  const Meanwhile meanwhile_;
  bool cut_ = false;
};

// A safepoint of the calling thread: stops if that is requested of one of its running mutators.  False: see ThreadWait::Return.
bool StopIfRequested(WaitWatch& watch);
// Lets a parked mutator run.  False: see ThreadWait::Return.
bool Unpark(Mutator& mutator, WaitWatch& watch);

// The calling thread becomes a mutator, parked, or stops being one.  Both wait for the end of a pause that is under way.
void Attach(Mutator& mutator, Handshake& handshake, WaitWatch& watch);
template <typename Retire>
void Detach(Mutator& mutator, WaitWatch& watch, Retire retire) {
  Handshake& handshake = *mutator.handshake;
  handshake.Park(&mutator);
  if (!handshake.TryRemove(&mutator, retire)) {
    const ThreadWait wait(watch);
    handshake.Remove(&mutator, retire);
  }
  ThreadState::Current().Remove(&mutator);
}

// Changes the mutator's roots.  If its program has parked it, a pause may be reading them; then this waits for its end.
template <typename Change>
void ChangeRoots(Mutator& mutator, WaitWatch& watch, Change change) {
  Handshake& handshake = *mutator.handshake;
  if (handshake.TryChange(change)) return;
  const ThreadWait wait(watch);
  handshake.ChangeAfterPause(change);
}

}  // namespace faultline
