#include "gc/faults/fault_mode.h"

#include "gc/faults/fault_mode_load_barrier.h"
#include "gc/faults/fault_mode_move.h"
#include "gc/faults/fault_mode_none.h"
#include "gc/faults/fault_mode_sigsegv.h"
#include "gc/faults/fault_mode_stw.h"
#include "gc/faults/fault_mode_userfaultfd.h"

namespace faultline {

std::unique_ptr<FaultMode> MakeFaultMode(FaultModeKind kind, PageService* pages) {
  switch (kind) {
    case FaultModeKind::kSigbus:
    case FaultModeKind::kCopySigbus:
      return std::make_unique<SigbusFaultMode>(kind, pages);
    case FaultModeKind::kThread:
    case FaultModeKind::kCopyThread:
      return std::make_unique<ThreadFaultMode>(kind, pages);
    case FaultModeKind::kSigsegv:
      return std::make_unique<SigsegvFaultMode>(pages);
    case FaultModeKind::kStw:
      return std::make_unique<StwFaultMode>();
    case FaultModeKind::kNone:
      return std::make_unique<NoneFaultMode>();
    case FaultModeKind::kLoadBarrier:
      return std::make_unique<LoadBarrierFaultMode>();
    case FaultModeKind::kMove:
      return std::make_unique<MoveFaultMode>();
  }
  return nullptr;
}

}  // namespace faultline
