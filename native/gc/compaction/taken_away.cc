#include "gc/compaction/taken_away.h"

#include <algorithm>
#include <cstring>

#include "os/invariant.h"

namespace faultline {

bool TakenAway::MustGo(RegionIndex region) const {
  const RegionUse use = heap_->tables.frozen[region];
  switch (use.state) {
    case RegionState::kFree:
      return false;
    case RegionState::kTarget:
      return true;
    case RegionState::kSource:
      return use.kind == RegionKind::kMixed || sources_ == LeafSources::kGo;
    default:
      return use.kind == RegionKind::kMixed;
  }
}

uint64_t TakenAway::LossOf(RegionIndex region) const {
  const RegionUse use = heap_->tables.frozen[region];
  if (use.state == RegionState::kFree) return heap_->regions.FilePages(region) * kFreePage;
  return use.used_pages * (use.state == RegionState::kSource ? kFreePage : kPageThatStays);
}

void TakenAway::Choose(LeafSources sources) {
  sources_ = sources;
  count_ = 0;
  Regions& regions = heap_->regions;
  const LockGuard guard(regions.lock());
  const uint32_t read_only_until = heap_->read_only_until.load(std::memory_order_relaxed);
  uint64_t loss = 0;
  for (const RegionIndex region : regions.committed()) {
    // What write tracking has left read-only gets new entries, if nobody would miss the old ones.
    const RegionUse use = heap_->tables.frozen[region];
    if (MustGo(region) || (use.state == RegionState::kFree && region < read_only_until)) {
      Add(region, loss);
      loss = 0;
    } else {
      loss += LossOf(region);
    }
  }
  FAULTLINE_CHECK(count_ > 0, "(Y) the targets of a plan are taken away");
  // To the end of the view: a whole gigabyte is moved as fast as a page.
  if (loss <= kRange) ranges_[count_ - 1].end = heap_->views.span_bytes();
  std::memset(left_.data(), 1, regions.count());
  for (const ViewRange& range : ranges()) {
    const RegionIndex first(static_cast<uint32_t>(range.begin / kRegionBytes));
    const RegionIndex end(static_cast<uint32_t>(std::min(range.end, heap_->bytes()) / kRegionBytes));
    std::memset(&left_[first], 0, end - first);
  }
  Check();
}

void TakenAway::ChooseNothing() {
  count_ = 0;
  std::memset(left_.data(), 0, heap_->regions.count());
}

void TakenAway::ChooseAll() {
  ChooseNothing();
  ranges_[count_++] = heap_->views.whole();
}

uint64_t TakenAway::FilePages() const {
  const LockGuard guard(heap_->regions.lock());
  uint64_t pages = 0;
  for (const RegionIndex region : heap_->regions.committed()) {
    if (!IsLeft(region)) pages += heap_->regions.FilePages(region);
  }
  return pages;
}

void TakenAway::Check() const {
  for (const RegionIndex region : heap_->regions.committed()) {
    FAULTLINE_CHECK(!IsLeft(region) || !MustGo(region), "(Y) what a flip leaves in the view, the cycle does not change", region,
                    static_cast<uint64_t>(heap_->tables.frozen[region].state));
  }
}

void TakenAway::Add(RegionIndex region, uint64_t loss) {
  const ViewRange added = {size_t{region} * kRegionBytes, (size_t{region} + 1) * kRegionBytes};
  if (count_ > 0 && loss <= kRange) {
    ranges_[count_ - 1].end = added.end;
    return;
  }
  // The first one from the beginning of the view, for the same reason as to its end.
  ranges_[count_] = loss <= kRange ? ViewRange{0, added.end} : added;
  loss_before_[count_++] = loss;
  if (count_ > Views::kMostRanges) JoinNearest();
}

void TakenAway::JoinNearest() {
  const auto begin = loss_before_.begin();
  const size_t nearest = static_cast<size_t>(std::min_element(begin + 1, begin + count_) - begin);
  ranges_[nearest - 1].end = ranges_[nearest].end;
  std::copy(ranges_.begin() + nearest + 1, ranges_.begin() + count_, ranges_.begin() + nearest);
  std::copy(begin + nearest + 1, begin + count_, begin + nearest);
  --count_;
}

}  // namespace faultline
