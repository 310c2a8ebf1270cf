// Recovery: finishes a cycle whose control thread has ended, from whatever phase it was left in.
#include "gc/collector.h"

namespace faultline {

bool Collector::Recover(uint64_t deadline_ns) {
  heap_->handshake.Resume();
  if (!BringToIdle(deadline_ns)) return false;
  while (collections_ended() != collections_begun()) EndCollection();
  return true;
}

bool Collector::BringToIdle(uint64_t deadline_ns) {
  switch (phase()) {
    case Phase::kIdle:
      return true;
    case Phase::kMarking:
      // A worker may still be busy with what was begun.
      if (!marker_->Prepare(gang_, deadline_ns) || !ReleaseMarking(deadline_ns)) return false;
      marking_begun_ = false;
      Enter(CycleStep::kRecover, Phase::kFinishing);
      return Finish(deadline_ns);
    case Phase::kMarked:
      if (!ProcessWeak(deadline_ns) || !ReleaseMarking(deadline_ns)) return false;
      Enter(CycleStep::kRecover, Phase::kFinishing);
      return Finish(deadline_ns);
    case Phase::kPlanned:
      if (!ForwardRoots(deadline_ns) || !ReleaseMarking(deadline_ns)) return false;
      plan_.Cancel();
      Enter(CycleStep::kRecover, Phase::kFinishing);
      return Finish(deadline_ns);
    case Phase::kCompacting:
      if (!Compact(deadline_ns)) return false;
      [[fallthrough]];
    case Phase::kFinishing:
      // Marking is not released yet if nothing was worth moving and the control thread ended after that.
      return ReleaseMarking(deadline_ns) && Finish(deadline_ns);
  }
  return true;
}

}  // namespace faultline
