// Reclaim: gives surplus pages of free regions back to the system, and maps those that it keeps.
//
// Punching costs 0.5 us a page and raises no userfaultfd event, so it is done here, between cycles, in small pieces.  Pages of free
// regions are kept up to a budget, because copying into a recycled page is five times as fast as into a fresh one.  After a flip, and
// after a marking that tracked writes in the kernel, the mutator view's page table does not have them.  A collector with a CPU of its own
// maps them region by region, in half the time that mutators would take buffer by buffer.
#include <algorithm>

#include "gc/collector.h"
#include "os/clock.h"

namespace faultline {

bool Collector::Reclaim(uint64_t keep_bytes, bool tails, uint64_t deadline_ns) {
  if (!heap_->tables.GiveBackForSources(deadline_ns)) return false;
  Regions& regions = heap_->regions;
  reclaim_list_.clear();
  regions.CommittedFree(&reclaim_list_);
  const size_t keep = std::min(static_cast<size_t>(keep_bytes / kRegionBytes), reclaim_list_.size());
  // Keep those at the two ends: they are taken next.
  const size_t keep_first = regions.KeptAtFront(reclaim_list_, keep);
  const size_t surplus = reclaim_list_.size() - keep;
  for (size_t i = surplus; i > 0; --i) {
    if (NowNs() >= deadline_ns) return false;
    const RegionIndex region = reclaim_list_[keep_first + i - 1];
    if (!regions.BeginPunch(region)) continue;
    const bool punched = heap_->file.PunchHole(size_t{region} * kRegionBytes, kRegionBytes).ok();
    regions.EndPunch(region, punched);
    // Refused; tried again after the next collection.
    if (!punched) break;
  }
  reclaim_list_.erase(reclaim_list_.begin() + keep_first, reclaim_list_.begin() + keep_first + surplus);
  // From the front, where most regions are taken.
  for (const RegionIndex region : reclaim_list_) {
    const PageRun run = regions.UnmappedFree(region);
    if (run.count == 0) continue;
    if (NowNs() >= deadline_ns) return false;
    // If refused, mutators map them.
    if (!heap_->views.MapMutatorView(size_t{run.first} * kPageBytes, size_t{run.count} * kPageBytes).ok()) break;
    regions.NoteMappedFree(run);
  }
  if (!tails) return true;
  // A cycle has run since the walk began: begin it again.
  if (reclaim_cycle_ != report_.number) reclaim_tail_ = RegionIndex{0};
  reclaim_cycle_ = report_.number;
  for (; (reclaim_tail_ = regions.committed().Next(reclaim_tail_)) < regions.count(); ++reclaim_tail_) {
    if (NowNs() >= deadline_ns) return false;
    const PageRun tail = regions.BeginPunchTail(reclaim_tail_);
    if (tail.count == 0) continue;
    const bool punched = heap_->file.PunchHole(size_t{tail.first} * kPageBytes, size_t{tail.count} * kPageBytes).ok();
    regions.EndPunch(reclaim_tail_, punched);
  }
  reclaim_tail_ = RegionIndex{0};
  return true;
}

}  // namespace faultline
