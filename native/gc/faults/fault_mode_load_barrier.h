// The mode with a software read barrier: nothing is armed and the views stay as they are.  The difference is in the mutators' loads
// (heap/load_barrier.h) and in the collector's half of the barrier (gc/compaction/load_barrier_phase.h).
#pragma once

#include "gc/faults/fault_mode.h"

namespace faultline {

class LoadBarrierFaultMode final : public FaultMode {
 public:
  FaultModeKind kind() const override { return FaultModeKind::kLoadBarrier; }
  Status Open() override { return {}; }
  void Close() override {}
  Status Flip() override { return {}; }
  void Show(PageIndex, uint32_t) override {}
  void Disarm() override {}
};

}  // namespace faultline
