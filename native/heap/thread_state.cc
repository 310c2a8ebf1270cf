#include "heap/thread_state.h"

#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

namespace {

// initial-exec: the fault handler reads it, and the general model may allocate on a thread's first access.
__attribute__((tls_model("initial-exec"))) thread_local constinit ThreadState state_of_thread;

class NeverCut final : public WaitWatch {
 public:
  WaitCut Look() override { return WaitCut::kNone; }
};

bool IsRunning(Mutator& mutator) { return (mutator.state()->load(std::memory_order_relaxed) & kMutatorRunning) != 0; }

bool IsAsked(Mutator& mutator) { return (mutator.state()->load(std::memory_order_relaxed) & kMutatorStopRequested) != 0; }

}  // namespace

WaitWatch& WaitWatch::Never() {
  static NeverCut never;
  return never;
}

ThreadState& ThreadState::Current() { return state_of_thread; }

void ThreadState::Add(Mutator* mutator) {
  const LockGuard guard(lock_);
  // So that its first poll checks the other mutators: an earlier announcement did not reach this word.
  mutator->state()->fetch_or(kMutatorStopElsewhere, std::memory_order_relaxed);
  mutator->thread_state = this;
  mutator->next_of_thread = first_;
  first_ = mutator;
}

void ThreadState::Remove(Mutator* mutator) {
  const LockGuard guard(lock_);
  for (Mutator** link = &first_; *link != nullptr; link = &(*link)->next_of_thread) {
    if (*link != mutator) continue;
    *link = mutator->next_of_thread;
    return;
  }
}

void ThreadState::Announce(const Mutator* asked) {
  const LockGuard guard(lock_);
  for (Mutator* mutator = first_; mutator != nullptr; mutator = mutator->next_of_thread) {
    if (mutator != asked) mutator->state()->fetch_or(kMutatorStopElsewhere, std::memory_order_release);
  }
}

bool ThreadState::IsStopRequested() {
  for (Mutator* mutator = first_; mutator != nullptr; mutator = mutator->next_of_thread) {
    if ((mutator->state()->load(std::memory_order_relaxed) & kMutatorStopElsewhere) == 0) continue;
    mutator->state()->fetch_and(~kMutatorStopElsewhere, std::memory_order_acq_rel);  // Partner: Announce.
  }
  for (Mutator* mutator = first_; mutator != nullptr; mutator = mutator->next_of_thread) {
    if (faultline::IsRunning(*mutator) && IsAsked(*mutator)) return true;
  }
  return false;
}

bool ThreadState::IsRunning() const {
  for (Mutator* mutator = first_; mutator != nullptr; mutator = mutator->next_of_thread) {
    if (faultline::IsRunning(*mutator)) return true;
  }
  return false;
}

void ThreadState::ParkAll() {
  for (Mutator* mutator = first_; mutator != nullptr; mutator = mutator->next_of_thread) {
    if (faultline::IsRunning(*mutator)) mutator->handshake->Park(mutator);
  }
}

template <typename Visit>
void ThreadWait::ForEachMutator(Visit visit) {
  for (Mutator* mutator = thread_.first(); mutator != nullptr; mutator = mutator->next_of_thread) {
    if (mutator->wait == this) visit(*mutator);
  }
}

ThreadWait::ThreadWait(WaitWatch& watch, Meanwhile meanwhile) : thread_(ThreadState::Current()), watch_(watch), meanwhile_(meanwhile) {
  ParkRunning();
}

void ThreadWait::ParkRunning() {
  for (Mutator* mutator = thread_.first(); mutator != nullptr; mutator = mutator->next_of_thread) {
    if (!faultline::IsRunning(*mutator)) continue;
    mutator->wait = this;
    mutator->stands_still.store(meanwhile_ == Meanwhile::kNothing, std::memory_order_relaxed);
    mutator->handshake->Park(mutator);
  }
}

bool ThreadWait::Return() {
  bool thread_goes_on = true;
  while (thread_goes_on && !TryReturn(kWaitSliceNs)) {
    const WaitCut cut = watch_.Look();
    cut_ |= cut == WaitCut::kScript;
    thread_goes_on = cut != WaitCut::kThread;
  }
  ForEachMutator([thread_goes_on](Mutator& mutator) {
    FAULTLINE_CHECK(faultline::IsRunning(mutator) == thread_goes_on, "(H) a wait comes back in all heaps or in none", mutator.id);
    mutator.wait = nullptr;
    mutator.stands_still.store(false, std::memory_order_relaxed);
  });
  return thread_goes_on;
}

// Lets all mutators of the wait run and returns null; or returns one that may not run now, and lets none of them run.
Mutator* ThreadWait::TakeAll() {
  Mutator* refused = nullptr;
  // Check the requests first: a mutator that runs only to be parked again might hold up its heap's pause, if the thread loses its CPU in
  // between.
  ForEachMutator([&](Mutator& mutator) {
    if (!cut_ && IsAsked(mutator)) refused = &mutator;
  });
  if (refused != nullptr) return refused;
  ForEachMutator([&](Mutator& mutator) {
    if (refused != nullptr) return;
    const bool runs = cut_ ? mutator.handshake->TryRunUnlessStopped(&mutator) : mutator.handshake->TryRun(&mutator);
    if (!runs) refused = &mutator;
    DelayAt(DelayPoint::kTakingBack);
  });
  if (refused == nullptr) return nullptr;
  ForEachMutator([](Mutator& mutator) { mutator.handshake->Park(&mutator); });
  return refused;
}

bool ThreadWait::TryReturn(uint64_t limit_ns) {
  Mutator* refused = TakeAll();
  if (refused == nullptr) return true;
  // During the wait, a function of the program may have unparked others (mutator.parkAll).
  ParkRunning();
  const uint64_t begin = NowNs();
  uint64_t now = begin;
  for (; refused != nullptr && now - begin < limit_ns; now = NowNs()) {
    FAULTLINE_CHECK(!thread_.IsRunning(), "(H) a thread that waits for the end of a pause is parked in all heaps", refused->id);
    refused->handshake->AwaitResume(refused, limit_ns - (now - begin));
    refused = TakeAll();
  }
  ForEachMutator([&](Mutator& mutator) { mutator.timeline.AddCollectorTime(begin, now, Interruption::kPause); });
  return refused == nullptr;
}

bool StopIfRequested(WaitWatch& watch) {
  if (!ThreadState::Current().IsStopRequested()) return true;
  ThreadWait wait(watch);
  return wait.Return();
}

bool Unpark(Mutator& mutator, WaitWatch& watch) {
  if (mutator.handshake->TryRun(&mutator)) return true;
  ThreadWait wait(watch);
  wait.Include(mutator);
  return wait.Return();
}

void Attach(Mutator& mutator, Handshake& handshake, WaitWatch& watch) {
  ThreadState::Current().Add(&mutator);
  if (handshake.TryAdd(&mutator)) return;
  const ThreadWait wait(watch);
  handshake.Add(&mutator);
}

}  // namespace faultline
