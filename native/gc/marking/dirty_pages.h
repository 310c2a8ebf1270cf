// Dirty pages: the pages of the mutator view that were written since marking last examined them.
//
// This is the remembered set of the barrier-free marker.  The kernel keeps it (os/write_tracking.h); mutators execute nothing for it, and
// pay one kernel fault for the first write to each page.  The kernel does not see what the collector and the allocator write through the
// alias: they note it here themselves, after the write.
//
// (R) Leaf regions are left out: nothing in them refers to anything.  One that becomes mixed while pages are tracked was never armed, so
// all of it counts as written from then on.  Leaf regions behind the last one with references are not even tracked: the kernel would leave
// all their pages read-only.  The tracked part grows with what mutators take behind it.
//
// Nothing here can fail.  A piece that the kernel refuses to track or to scan counts as written, every time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "heap/heap.h"
#include "os/write_tracking.h"

namespace faultline {

class DirtyPages {
 public:
  explicit DirtyPages(Heap* heap) : heap_(heap) {}

  // Fails if this machine has no write tracking.
  Status Open();
  void Close() { tracking_.Close(); }

  // Concurrent, in slices: starts tracking the view as far as there are references in it, and arms the pages in use that may hold
  // references.  True when that is done; only then may the first object be traced.
  bool Begin(uint64_t deadline_ns);
  // Concurrent, in slices: the view is ordinary memory again.
  bool End(uint64_t deadline_ns);

  // The pages were written through the alias.  Any thread, at any time; noting pages outside a marking does no harm.
  void Note(PageIndex first, uint32_t count);

  // Regions before `end` may hold references.  Called between two harvests, with the world stopped; what is refused counts as written.
  void Reach(RegionIndex end) {
    if (end > tracked_regions_) (void)Track(end);
  }

  // Visits runs of pages in [first, first + count) that were written since they were armed, and returns the number of pages.  With `rearm`
  // they are clean again before they are visited; otherwise nothing changes.  Several threads may call this at once, each with its own
  // piece.
  template <typename Visit>
  uint64_t Harvest(PageIndex first, uint32_t count, bool rearm, Visit visit) {
    uint64_t pages = HarvestNoted(first, count, rearm, visit);
    const PageIndex last = first + count;
    if (last > tracked_end()) {
      const PageIndex untracked = std::max(first, tracked_end());
      visit(untracked, last - untracked);
      pages += last - untracked;
    }
    size_t at = size_t{first} * kPageBytes;
    const size_t end = size_t{std::min(last, tracked_end())} * kPageBytes;
    WriteTracking::Run runs[kRuns];
    while (at < end) {
      const Result<size_t> found = tracking_.Harvest(&at, end, rearm, runs, kRuns);
      if (!found.ok()) {
        runs[0] = {at, end};
        at = end;
        Add(heap_->statistics.refused_scans, 1);
      }
      for (size_t i = 0; i < (found.ok() ? found.value() : 1); ++i) {
        const uint32_t run_pages = static_cast<uint32_t>((runs[i].end - runs[i].begin) / kPageBytes);
        visit(PageIndex(runs[i].begin / kPageBytes), run_pages);
        pages += run_pages;
      }
    }
    return pages;
  }

 private:
  static constexpr size_t kRuns = 128;

  template <typename Visit>
  uint64_t HarvestNoted(PageIndex first, uint32_t count, bool rearm, Visit visit) {
    uint64_t pages = 0;
    for (PageIndex page = first; page < first + count; page = FirstOfUnit(page, 64) + 64) {
      if (Cell(page).load(std::memory_order_relaxed) == 0) continue;
      const PageIndex end = page + 64 < first + count ? page + 64 : first + count;
      for (PageIndex each = page; each < end && (each >> 6) == (page >> 6); ++each) {
        const uint64_t bit = uint64_t{1} << (each & 63);
        // Acquire: pairs with Note; what was written before that is visible.
        const uint64_t cell = rearm ? Cell(each).fetch_and(~bit, std::memory_order_acquire) : Cell(each).load(std::memory_order_acquire);
        if ((cell & bit) == 0) continue;
        visit(each, 1u);
        ++pages;
      }
    }
    return pages;
  }

  // Where the first leaf region begins that has none with references behind it.
  RegionIndex FirstLeafAtTheBack() const;
  bool Track(RegionIndex end);
  PageIndex tracked_end() const { return FirstPageOfRegion(tracked_regions_); }

  std::atomic_ref<uint64_t> Cell(PageIndex page) { return std::atomic_ref<uint64_t>(noted_[page >> 6]); }

  Heap* heap_;
  WriteTracking tracking_;
  MappedArray<uint64_t> noted_;     // One bit a page.
  RegionIndex tracked_regions_{0};  // Tracked are those before it.
  RegionIndex armed_until_{0};
  bool begun_ = false;
};

}  // namespace faultline
