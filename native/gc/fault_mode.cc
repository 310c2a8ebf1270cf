#include "gc/fault_mode.h"

#include "gc/fault_mode_sigsegv.h"
#include "gc/fault_mode_stw.h"
#include "gc/fault_mode_userfaultfd.h"

namespace faultline {

const char* NameOf(FaultModeKind kind) {
  switch (kind) {
    case FaultModeKind::kSigbus:
      return "sigbus";
    case FaultModeKind::kThread:
      return "thread";
    case FaultModeKind::kSigsegv:
      return "sigsegv";
    case FaultModeKind::kStw:
      return "stw";
  }
  return "?";
}

std::unique_ptr<FaultMode> MakeFaultMode(FaultModeKind kind, Collector* collector) {
  switch (kind) {
    case FaultModeKind::kSigbus:
      return std::make_unique<SigbusFaultMode>(collector);
    case FaultModeKind::kThread:
      return std::make_unique<ThreadFaultMode>(collector);
    case FaultModeKind::kSigsegv:
      return std::make_unique<SigsegvFaultMode>(collector);
    case FaultModeKind::kStw:
      return std::make_unique<StwFaultMode>();
  }
  return nullptr;
}

}  // namespace faultline
