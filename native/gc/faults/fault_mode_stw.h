// The stop-the-world mode: nothing is armed, the flip pause builds every page.
#pragma once

#include "gc/faults/fault_mode.h"

namespace faultline {

class StwFaultMode final : public FaultMode {
 public:
  FaultModeKind kind() const override { return FaultModeKind::kStw; }
  Status Open() override { return {}; }
  void Close() override {}
  Status Flip() override { return {}; }
  void Show(PageIndex, uint32_t) override {}
  void Disarm() override {}
  bool builds_in_pause() const override { return true; }
};

}  // namespace faultline
