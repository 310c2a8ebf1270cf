// Thread state: a thread has one state, not one a heap.
//
// A thread may be a mutator of several heaps, and it can wait for one thing only.  If it waited for one heap and counted as running in
// another, two threads could wait for each other in two heaps:
//
//     thread 1   waits for memory of heap A, runs in B          heap A's collection waits for thread 2 to stop
//     thread 2   waits for memory of heap B, runs in A          heap B's collection waits for thread 1 to stop
//
// Hence the law:
//
//   (H) Who waits in this library is parked in all heaps, and holds no lock (os/lock.h).  Who comes back runs in every heap that the wait
//       has parked it in, or in none of them: where one is in a pause, those already taken are parked again.
//
//     running in some of its heaps ──ThreadWait: park those──▶ parked in all ──return: all or nothing──▶ running in the same
//
// A mutator that its program has parked is not the wait's: it stays parked.
//
//   shared                      written by                  read by                     order
//   Mutator::state, running     the mutator's own thread    collectors                  heap/handshake.h
//   Mutator::state, elsewhere   a collector sets it; the    the polls of the thread     set: release, after the request itself; cleared:
//                               thread itself clears it                                 acq_rel, before the look at all words: one sees
//                                                                                       the other
//   the list of mutators        its thread, under lock_     its thread; a collector     lock_
//                                                           that announces, under lock_
//
// Lock order: Handshake::lock_, then ThreadState::lock_.  The fault handler reads the list of its own thread, without the lock.
#pragma once

#include "heap/handshake.h"
#include "heap/mutator.h"
#include "os/lock.h"

namespace faultline {

// Whether, and by what, a wait is to be cut short.
enum class WaitCut {
  kNone,
  kScript,  // The code that waits is being ended, and its thread lives on (a time limit of `vm`).
  kThread,  // The thread is being ended: it runs no JavaScript any more.
};

class WaitWatch {
 public:
  virtual ~WaitWatch() = default;
  // Asked now and then by who waits, parked.
  virtual WaitCut Look() = 0;
  // For threads that nothing cuts short.
  static WaitWatch& Never();
};

// How long a wait lasts at most before it looks whether it is cut short.
inline constexpr uint64_t kWaitSliceNs = 20 * 1'000'000ull;

class ThreadState {
 public:
  // The calling thread's.  Async-signal-safe.
  static ThreadState& Current();

  // By the thread itself.  Added mutators are parked.
  void Add(Mutator* mutator);
  void Remove(Mutator* mutator);
  Mutator* first() const { return first_; }

  // A stop was asked of one of the thread's mutators: a poll of any other notices, of all with null.  Any thread.
  void Announce(const Mutator* asked);

  // By the thread itself: whether one of its running mutators is to stop.
  bool IsStopRequested();
  bool IsRunning() const;
  void ParkAll();

 private:
  Lock lock_;
  Mutator* first_ = nullptr;
};

// The calling thread is parked in all its heaps from here to Return, or the end of the scope.
class ThreadWait {
 public:
  explicit ThreadWait(WaitWatch& watch);
  ~ThreadWait() { Return(); }
  ThreadWait(const ThreadWait&) = delete;
  ThreadWait& operator=(const ThreadWait&) = delete;

  // Comes back with the others, though it was parked before.
  void Include(Mutator& mutator) { mutator.wait = this; }

  // Comes back, however long that takes.  False only when the thread is being ended: its mutators stay parked then, which is the state
  // that its end wants them in.  A wait whose script is cut short does not wait for a stop that is only requested, but for a pause that
  // is under way; the next poll stops.
  bool Return();

 private:
  void ParkRunning();
  bool TryReturn(uint64_t limit_ns);
  Mutator* TakeAll();
  template <typename Visit>
  void ForEachMutator(Visit visit);

  ThreadState& thread_;
  WaitWatch& watch_;
  bool cut_ = false;
};

// A safepoint of the calling thread: stops if one of its running mutators is asked to.  False: see ThreadWait::Return.
bool StopIfRequested(WaitWatch& watch);
// Lets a parked mutator run.  False: see ThreadWait::Return.
bool Unpark(Mutator& mutator, WaitWatch& watch);

// The calling thread becomes a mutator, parked, and stops being one.  Both wait for a pause that is under way.
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

// Changes the mutator's roots.  Its program may have parked it: then a pause may be looking at them, and is waited for.
template <typename Change>
void ChangeRoots(Mutator& mutator, WaitWatch& watch, Change change) {
  Handshake& handshake = *mutator.handshake;
  if (handshake.TryChange(change)) return;
  const ThreadWait wait(watch);
  handshake.ChangeAfterPause(change);
}

}  // namespace faultline
