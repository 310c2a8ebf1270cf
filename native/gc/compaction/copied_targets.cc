#include "gc/compaction/copied_targets.h"

#include "os/delays.h"

namespace faultline {

// Run by run.  A run's pages are shown before they are published; no thread can tell, since their content is final.
bool CopiedTargets::Build(PageIndex first, uint32_t count, uint32_t cycle, Counter* builder, PageIndex wanted) {
  PageStates& states = heap_->tables.page_states;
  const Staging::Lease lease(&staging_);  // Before any claim: no thread waits for a buffer while it holds a claim.
  uint32_t built = 0;
  bool built_wanted = false;
  for (PageIndex run = first; run < first + count;) {
    uint32_t pages = 0;
    while (pages < Staging::kPagesPerBuffer && run + pages < first + count &&
           page_builder_->TreatmentOf(run + pages) == Treatment::kTarget && states.TryClaim(run + pages, cycle)) {
      DelayAt(DelayPoint::kClaimed);
      page_builder_->Build(run + pages, reinterpret_cast<uint64_t*>(lease.page(pages)));
      ++pages;
    }
    if (pages == 0) {
      ++run;
      continue;
    }
    DelayAt(DelayPoint::kBuilt);
    fault_mode_->Fill(run, pages, lease.page(0));
    DelayAt(DelayPoint::kShown);
    for (PageIndex page = run; page < run + pages; ++page) {
      states.Publish(page, cycle);
      states.NoteMapped(page, cycle);
    }
    built_wanted |= wanted - run < pages;
    built += pages;
    run += pages;
  }
  Add(*builder, built);
  return built_wanted;
}

}  // namespace faultline
