#include "gc/compaction/compaction_job.h"

#include <algorithm>
#include <utility>

#include "gc/compaction/page_service.h"
#include "gc/compaction/plan.h"
#include "gc/compaction/root_pages.h"
#include "gc/compaction/youngest_first.h"
#include "os/clock.h"

namespace faultline {

namespace {

// Large enough that one UFFDIO_CONTINUE shows many pages, small enough that two workers share the end of the list and a
// mutator never waits long for a page in the middle of one.
constexpr uint32_t kChunkPages = 32;

}  // namespace

CompactionJob::CompactionJob(PageService* pages, const Plan& plan, const RootPages& root_pages, Showing showing)
    : pages_(pages), showing_(showing) {
  Heap& heap = pages->heap();
  const SideTables& tables = heap.tables;
  // All that were in use at the flip, and some that were taken since.
  std::vector<RegionIndex> regions;
  for (const RegionIndex region : heap.regions.committed()) regions.push_back(region);
  const auto is_live = [&](RegionIndex region) {
    const RegionState state = tables.frozen[region].state;
    return state == RegionState::kLive || state == RegionState::kAllocating;
  };
  for (const PageIndex page : root_pages.Take()) {
    if (pages->PageNeedsBuilding(page)) chunks_.push_back({page, 1});
  }
  for (const RegionIndex region : regions) {
    if (!is_live(region)) continue;
    const uint32_t used = tables.frozen[region].used_pages;
    const uint32_t marked = tables.marked_pages[region];
    if (used > marked) AddRange(FirstPageOfRegion(region) + marked, used - marked);
  }
  for (const RegionIndex target : plan.targets()) {
    AddRange(FirstPageOfRegion(target), plan.UsedPagesOfTarget(target));
  }
  for (const RegionIndex region : YoungestFirst(std::move(regions), [&heap](RegionIndex of) { return heap.regions.born(of); })) {
    const RegionUse use = tables.frozen[region];
    switch (use.state) {
      case RegionState::kLive:
      case RegionState::kAllocating:
        AddRange(FirstPageOfRegion(region), std::min(use.used_pages, tables.marked_pages[region]));
        break;
      case RegionState::kLarge:
      case RegionState::kLargeTail:
      case RegionState::kLargePending:
        AddRange(FirstPageOfRegion(region), use.used_pages);
        break;
      default:
        break;
    }
  }
}

void CompactionJob::AddRange(PageIndex first, uint32_t count) {
  if (pages_->IsLeft(first)) return;
  // A leaf page that stays is only shown, where anything is.
  const RegionUse use = pages_->heap().tables.frozen[RegionOfPage(first)];
  if (!pages_->armed() && IsLeaf(use.kind) && use.state != RegionState::kTarget) return;
  if (first == 0 && count > 0) {  // The heap's first page is never used.
    ++first;
    --count;
  }
  while (count > 0) {
    const uint32_t piece = std::min(count, kChunkPages - first % kChunkPages);
    chunks_.push_back({first, piece});
    first += piece;
    count -= piece;
  }
}

bool CompactionJob::Run(uint32_t, uint64_t deadline_ns) {
  Heap& heap = pages_->heap();
  for (;;) {
    if (showing_ == Showing::kYes && NowNs() >= deadline_ns) return false;
    // Relaxed: divides the work only; page states order the contents.
    const size_t index = cursor_.fetch_add(1, std::memory_order_relaxed);
    if (index >= chunks_.size()) return true;
    const Range chunk = chunks_[index];
    if (showing_ == Showing::kYes) {
      pages_->BuildRange(chunk.first, chunk.count, &heap.statistics.pages_by_workers);
      continue;
    }
    for (PageIndex page = chunk.first; page < chunk.first + chunk.count; ++page) {
      pages_->EnsureBuilt(page, &heap.statistics.pages_by_workers);
    }
  }
}

bool CompactionJob::Exhausted() const { return cursor_.load(std::memory_order_relaxed) >= chunks_.size(); }

}  // namespace faultline
