// The mode that would move recycled pages into the mutator view (UFFDIO_MOVE, Linux 6.8).  It is not possible on this heap: the call needs
// private anonymous pages on both sides, and the heap's pages belong to a file, because without a second view of them the collector could
// not write to a page before mutators see it.  Open asks the kernel and returns its answer (docs/minor-faults.md has the argument and
// figures).
#pragma once

#include <errno.h>

#include "gc/faults/fault_mode.h"

namespace faultline {

class MoveFaultMode final : public FaultMode {
 public:
  FaultModeKind kind() const override { return FaultModeKind::kMove; }
  Status Open() override {
    const SysError answer = ProbeMove().into_shared;
    return answer.error_number != 0 ? answer : SysError{EOPNOTSUPP, answer.call};
  }
  void Close() override {}
  Status Flip() override { return SysError{EOPNOTSUPP, "ioctl(UFFDIO_MOVE)"}; }
  void Show(PageIndex, uint32_t) override {}
  void Disarm() override {}
};

}  // namespace faultline
