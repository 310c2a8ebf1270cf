#include "gc/faults/fault_mode_sigsegv.h"

#include <sched.h>

#include <algorithm>

#include "gc/compaction/page_service.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

SigsegvFaultMode::SigsegvFaultMode(PageService* pages) : pages_(pages), delivery_(FaultSignal::kSegmentation, pages) {
  while (pages->heap().page_count() / unit_pages_ > kMaxUnits) unit_pages_ *= 2;
}

Status SigsegvFaultMode::Flip() {
  if (Status status = delivery_.EnsureHandler(); !status.ok()) return status;
  Views& views = pages_->heap().views;
  const std::span<const ViewRange> ranges = pages_->taken_away().ranges();
  if (Status status = views.MoveToScratch(ranges); !status.ok()) return status;
  DelayAt(DelayPoint::kBeforeArming);
  for (const ViewRange& range : ranges) {
    // (S) Pages that others put into V since the move become inaccessible with the rest.
    const Status status = views.ProtectMutatorView(range, false);
    if (status.ok()) continue;
    if (&range != &ranges.front()) Disarm();
    views.MoveBack();
    return status;
  }
  return {};
}

void SigsegvFaultMode::Show(PageIndex first, uint32_t count) {
  // Two threads may finish the last two pages of a unit at the same time.  Each published its page before it came here, and the second at
  // the counter synchronizes with the first: at least one of them sees both pages built.
  shows_.fetch_add(1, std::memory_order_acq_rel);
  Heap& heap = pages_->heap();
  const PageIndex end = std::min(NextUnit(first + count, unit_pages_), heap.end_page());
  const auto is_complete = [&](PageIndex unit) {
    for (PageIndex page = unit; page < std::min(unit + unit_pages_, end); ++page) {
      if (!pages_->PageIsComplete(page)) return false;
    }
    return true;
  };
  for (PageIndex unit = FirstOfUnit(first, unit_pages_); unit < end;) {
    if (!is_complete(unit)) {
      unit += unit_pages_;
      continue;
    }
    PageIndex run_end = unit + unit_pages_;
    while (run_end < end && is_complete(run_end)) run_end += unit_pages_;
    run_end = std::min(run_end, heap.end_page());
    const size_t bytes = size_t{run_end - unit} * kPageBytes;
    // If refused (no VMA left), a thread that touches the page tries again, until the end of the cycle makes the whole view accessible.
    // The threads that finish the cycle may need this CPU.
    const Status status = heap.views.ProtectMutatorView(size_t{unit} * kPageBytes, bytes, true);
    FAULTLINE_CHECK(status.ok() || status.error().error_number == ENOMEM, "mprotect of our own view is refused only for lack of memory",
                    static_cast<uint64_t>(status.error().error_number));
    if (!status.ok()) sched_yield();
    unit = run_end;
  }
}

void SigsegvFaultMode::Disarm() {
  const Status status = pages_->heap().views.OpenMutatorView();
  FAULTLINE_CHECK(status.ok(), "(U) the whole view can be made accessible", static_cast<uint64_t>(status.error().error_number));
}

}  // namespace faultline
