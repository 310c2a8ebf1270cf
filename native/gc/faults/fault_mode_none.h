// The mode in which nothing is ever collected: memory that was handed out stays in use, and a full heap stays full.  It measures what a
// program costs without a collector, like OpenJDK's Epsilon (JEP 318).  No step of a cycle is ever called (src/gc/collector.ts).
#pragma once

#include "gc/faults/fault_mode.h"
#include "os/invariant.h"

namespace faultline {

class NoneFaultMode final : public FaultMode {
 public:
  FaultModeKind kind() const override { return FaultModeKind::kNone; }
  Status Open() override { return {}; }
  void Close() override {}
  Status Flip() override {
    FAULTLINE_CHECK(false, "a heap that never collects never flips");
    return {};
  }
  void Show(PageIndex, uint32_t) override {}
  void Disarm() override {}
};

}  // namespace faultline
