#include "gc/marking/dirty_pages.h"

#include "os/clock.h"

namespace faultline {

namespace {

// Released by one call, which holds the lock of the address space for about 65 us if all their pages are mapped.
constexpr uint32_t kRegionsReleasedAtOnce = 2;

}  // namespace

Status DirtyPages::Open() {
  if (Status status = noted_.Create(heap_->page_count() / 64 + 1); !status.ok()) return status;
  return tracking_.Open();
}

RegionIndex DirtyPages::FirstLeafAtTheBack() const {
  RegionIndex leaf = heap_->regions.end();
  for (const RegionIndex region : heap_->regions.committed()) {
    const RegionUse use = heap_->regions.use(region);
    if (use.state == RegionState::kFree || use.used_pages == 0) continue;
    if (use.kind == RegionKind::kMixed) {
      leaf = heap_->regions.end();
    } else if (leaf == heap_->regions.end()) {
      leaf = region;
    }
  }
  return leaf;
}

bool DirtyPages::Track(RegionIndex end) {
  const Views& views = heap_->views;
  const size_t bytes = end < heap_->regions.end() ? size_t{end} * kRegionBytes : views.span_bytes();
  const bool is_tracked =
      end == 0 || (tracking_.registered() ? tracking_.Extend(bytes) : tracking_.Begin(views.mutator_view(), bytes)).ok();
  if (!is_tracked) return false;
  tracked_regions_ = end;
  heap_->read_only_until.store(end, std::memory_order_relaxed);
  return true;
}

bool DirtyPages::Begin(uint64_t deadline_ns) {
  if (!begun_) {
    armed_until_ = tracked_regions_ = RegionIndex{0};
    begun_ = true;
    // A part of the view needs another mapping, which may be refused.
    if (!Track(FirstLeafAtTheBack()) && !Track(heap_->regions.end())) {
      // Then every harvest is refused too, and everything counts as written.
      armed_until_ = tracked_regions_ = heap_->regions.end();
    }
  }
  const RegionSet& committed = heap_->regions.committed();
  for (; (armed_until_ = committed.Next(armed_until_)) < tracked_regions_; ++armed_until_) {
    if (NowNs() >= deadline_ns) return false;
    const RegionUse use = heap_->regions.use(armed_until_);
    if (use.state == RegionState::kFree || use.used_pages == 0 || IsLeaf(use.kind)) continue;
    // What stays unarmed counts as written.
    (void)tracking_.Arm(size_t{armed_until_} * kRegionBytes, size_t{use.used_pages} * kPageBytes).ok();
  }
  return true;
}

bool DirtyPages::End(uint64_t deadline_ns) {
  // Pages that were populated for writing become read-only piece by piece.
  if (begun_) heap_->regions.ForgetMapped([this](RegionIndex region) { return region < tracked_regions_; });
  // Where nothing is committed there is nothing mapped, and what is taken meanwhile is a few pages.
  while (!tracking_.ReleasePiece(heap_->StepFrom(tracking_.released_bytes(), kRegionsReleasedAtOnce))) {
    if (NowNs() >= deadline_ns) return false;
  }
  begun_ = false;
  noted_.DropPages();
  return true;
}

void DirtyPages::Note(PageIndex first, uint32_t count) {
  for (PageIndex page = first; page < first + count; ++page) {
    Cell(page).fetch_or(uint64_t{1} << (page & 63), std::memory_order_release);  // Partner: HarvestNoted.
  }
}

}  // namespace faultline
