#include "heap/handshake.h"

#include <algorithm>

#include "heap/thread_state.h"

namespace faultline {

namespace {

// A mutator in JavaScript polls within microseconds.  One that has not polled after this time may be idle in its event loop, where a nudge
// brings it to a safepoint.  If it was idle the last time, it probably still is: then the nudge is sent with the request.
constexpr uint64_t kNudgeAfterNs = 300 * kNsPerUs;

}  // namespace

void Handshake::Add(Mutator* mutator) {
  ChangeAfterPause([&] { AddNow(mutator); });
}

bool Handshake::TryAdd(Mutator* mutator) {
  return TryChange([&] { AddNow(mutator); });
}

void Handshake::AddNow(Mutator* mutator) {
  mutator->id = next_id_++;
  mutator->handshake = this;
  if (requested_) mutator->state()->fetch_or(kMutatorStopRequested, std::memory_order_relaxed);
  mutator->control[control::kLogging] = logging_ ? 1 : 0;
  mutator->control[control::kLogUsed] = 0;
  mutator->control[control::kLoadBarrier] = load_barrier_ ? 1 : 0;
  mutator->control[control::kWeakAccess] = weak_access_.load(std::memory_order_relaxed);  // Written under lock_.
  mutators_.push_back(mutator);
}

void Handshake::SetLoadBarrier(bool on) {
  load_barrier_ = on;
  for (Mutator* mutator : mutators_) mutator->control[control::kLoadBarrier] = on ? 1 : 0;
}

bool Handshake::Park(Mutator* mutator) {
  const uint32_t before = mutator->state()->fetch_and(~kMutatorRunning, std::memory_order_seq_cst);
  if ((before & kMutatorRunning) != 0 && (before & kMutatorStopRequested) != 0) {
    acknowledged_.fetch_add(1, std::memory_order_release);  // Partner: TryStop's load.
    FutexWakeAll(&acknowledged_);
  }
  return (before & kMutatorRunning) != 0;
}

bool Handshake::TryRun(Mutator* mutator) {
  std::atomic<uint32_t>* const state = mutator->state();
  uint32_t word = state->load(std::memory_order_relaxed);
  while ((word & kMutatorRunning) == 0) {
    if ((word & kMutatorStopRequested) != 0) return false;
    state->compare_exchange_weak(word, (word & ~kMutatorAsleep) | kMutatorRunning, std::memory_order_seq_cst, std::memory_order_relaxed);
  }
  return true;
}

bool Handshake::TryRunUnlessStopped(Mutator* mutator) {
  {
    const LockGuard guard(lock_);
    if (stopped_) return false;
    mutator->state()->fetch_or(kMutatorRunning, std::memory_order_seq_cst);
  }
  // The polls of the thread's other mutators have to notice it again.
  if (mutator->thread_state != nullptr) mutator->thread_state->Announce(mutator);
  return true;
}

void Handshake::AwaitResume(Mutator* mutator, uint64_t limit_ns) {
  const uint64_t begin = NowNs();
  for (uint64_t elapsed = 0; elapsed < limit_ns; elapsed = NowNs() - begin) {
    const uint32_t resumptions = resumptions_.load(std::memory_order_acquire);  // Partner: Resume.
    // The bit is set only together with a request: Resume clears both, and wakes the sleepers.
    uint32_t word = mutator->state()->load(std::memory_order_relaxed);
    if ((word & kMutatorStopRequested) == 0) return;
    if (!mutator->state()->compare_exchange_strong(word, word | kMutatorAsleep, std::memory_order_relaxed)) continue;
    FutexWait(&resumptions_, resumptions, limit_ns - elapsed);
  }
}

bool Handshake::AllStopped() {
  const LockGuard guard(lock_);
  if (changes_due_ != 0) return false;  // Changes that the last pause has refused come before this pause.
  for (Mutator* mutator : mutators_) {
    // Acquire: what the mutator wrote before it parked is visible to the collector from here on.
    if ((mutator->state()->load(std::memory_order_acquire) & kMutatorRunning) != 0) return false;
  }
  stopped_ = true;
  return true;
}

void Handshake::Nudge(Mutator* mutator) {
  if (mutator->nudge == nullptr || mutator->nudged) return;
  if ((mutator->state()->load(std::memory_order_relaxed) & kMutatorRunning) == 0) return;
  mutator->nudged = true;
  mutator->nudge(mutator->nudge_context);
}

void Handshake::NudgeRunning() {
  const LockGuard guard(lock_);
  for (Mutator* mutator : mutators_) Nudge(mutator);
}

bool Handshake::TryStop(uint64_t limit_ns) {
  const uint64_t begin = NowNs();
  if (!requested_) {
    const LockGuard guard(lock_);
    requested_ = true;
    requested_ns_ = begin;
    nudged_ = false;
    for (Mutator* mutator : mutators_) {
      mutator->state()->fetch_or(kMutatorStopRequested, std::memory_order_seq_cst);
      if (mutator->thread_state != nullptr) mutator->thread_state->Announce(mutator);
      mutator->nudged = false;
      if (mutator->idles.load(std::memory_order_relaxed)) Nudge(mutator);
    }
  }
  for (;;) {
    // Read before the mutators' states: a mutator that parks later changes the word, and the wait below returns at once.
    const uint32_t acknowledged = acknowledged_.load(std::memory_order_acquire);
    if (AllStopped()) {
      stopped_ns_ = NowNs();
      return true;
    }
    const uint64_t now = NowNs();
    if (!nudged_ && now - requested_ns_ >= kNudgeAfterNs) {
      nudged_ = true;
      NudgeRunning();
    }
    if (now - begin >= limit_ns) return false;
    const uint64_t left = limit_ns - (now - begin);
    FutexWait(&acknowledged_, acknowledged, nudged_ ? left : std::min(left, kNudgeAfterNs));
  }
}

void Handshake::Resume() {
  const LockGuard guard(lock_);
  stopped_ = false;
  if (!requested_) return;
  requested_ = false;
  uint32_t before = 0;
  for (Mutator* mutator : mutators_) {
    before |= mutator->state()->fetch_and(~(kMutatorStopRequested | kMutatorAsleep), std::memory_order_release);
  }
  resumptions_.fetch_add(1, std::memory_order_release);  // Partner: AwaitResume.
  resumed_ns_ = NowNs();
  if ((before & kMutatorAsleep) != 0 || changes_due_ != 0) FutexWakeAll(&resumptions_);
}

void Handshake::SetWeakAccess(uint32_t access) {
  const LockGuard guard(lock_);
  weak_access_.store(access, std::memory_order_seq_cst);
  // Relaxed: a mutator that still reads the stricter value asks weak_access().
  for (Mutator* mutator : mutators_) __atomic_store_n(&mutator->control[control::kWeakAccess], access, __ATOMIC_RELAXED);
}

uint32_t Handshake::count() {
  const LockGuard guard(lock_);
  return static_cast<uint32_t>(mutators_.size());
}

}  // namespace faultline
