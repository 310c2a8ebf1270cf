#include "gc/marking/satb_marker.h"

#include "heap/weak_access.h"

namespace faultline {

namespace {

constexpr uint32_t kMostLogRounds = 16;

}  // namespace

void SatbMarker::SetLogging(bool on) {
  // Mutators that attach later ask the heap.
  heap_->handshake.set_logging(on);
  for (Mutator* mutator : heap_->handshake.mutators()) mutator->control[control::kLogging] = on ? 1 : 0;
  // A reference read from a weak slot was not overwritten, yet it may be stored where no tracer looks any more.
  heap_->handshake.SetWeakAccess(static_cast<uint32_t>(on ? WeakAccess::kLogged : WeakAccess::kOpen));
}

void SatbMarker::TakeRoots(Gang& gang) {
  tracing_.Reset();
  {
    const LockGuard guard(lock_);
    logged_.clear();
    listening_ = true;
    log_rounds_ = 0;
  }
  // An abandoned marking may have left logs behind.
  for (Mutator* mutator : heap_->handshake.mutators()) mutator->control[control::kLogUsed] = 0;
  SetLogging(true);
  tracing_.CopyRoots(gang);
}

void SatbMarker::TakeLog(Mutator& mutator) {
  uint32_t& used = mutator.control[control::kLogUsed];
  const uint32_t entries = used < kLogEntries ? used : kLogEntries;
  used = 0;
  const LockGuard guard(lock_);
  if (listening_) logged_.insert(logged_.end(), mutator.log(), mutator.log() + entries);
}

void SatbMarker::AddLogs() {
  const LockGuard guard(lock_);
  Add(heap_->statistics.logged_references, logged_.size());
  tracing_.AddReferences(logged_.data(), logged_.size());
  logged_.clear();
}

bool SatbMarker::Trace(Gang& gang, uint64_t deadline_ns) {
  for (;;) {
    if (!tracing_.Run(gang, deadline_ns)) return false;
    {
      const LockGuard guard(lock_);
      // Leave the rest to the pause.  Mutators may also log faster than this loop can follow.
      if (logged_.size() < kLogEntries || ++log_rounds_ > kMostLogRounds) return true;
    }
    AddLogs();
  }
}

void SatbMarker::Finish(Gang& gang) {
  for (Mutator* mutator : heap_->handshake.mutators()) TakeLog(*mutator);
  SetLogging(false);
  AddLogs();
  {
    const LockGuard guard(lock_);
    listening_ = false;
  }
  tracing_.AddUnfinished();
  tracing_.RunToEnd(gang);
  tracing_.Publish();
}

bool SatbMarker::Release(Gang& gang, uint64_t deadline_ns) {
  if (!tracing_.GiveUp(gang, deadline_ns)) return false;
  {
    // After an abandoned marking, mutators go on logging until the next one; their logs are dropped.
    const LockGuard guard(lock_);
    listening_ = false;
  }
  preparation_.Reset();
  return true;
}

}  // namespace faultline
