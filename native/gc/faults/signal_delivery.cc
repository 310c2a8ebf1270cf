#include "gc/faults/signal_delivery.h"

#include <stdlib.h>

#include <cerrno>

#include "gc/compaction/page_service.h"
#include "os/fault_ranges.h"

namespace faultline {

namespace {

bool ServeInHandler(void* context, uintptr_t address) {
  PageService* const pages = static_cast<PageService*>(context);
  if (!pages->ServeFault(address, CurrentMutator(&pages->heap()))) abort();
  return true;
}

}  // namespace

Status SignalDelivery::Open() {
  if (Status status = EnsureHandler(); !status.ok()) return status;
  Views& views = pages_->heap().views;
  range_ = AddFaultRange(views.mutator_view(), views.span_bytes(), ServeInHandler, pages_);
  if (range_ < 0) return SysError{EMFILE, "table of fault ranges"};
  return {};
}

void SignalDelivery::Close() {
  if (range_ >= 0) RemoveFaultRange(range_);
  range_ = -1;
}

}  // namespace faultline
