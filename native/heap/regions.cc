#include "heap/regions.h"

#include <algorithm>
#include <cstring>

#include "os/invariant.h"

namespace faultline {

Status Regions::Create(uint32_t capacity_regions, uint32_t reserve_regions) {
  capacity_ = capacity_regions;
  SetLimit(capacity_regions);
  count_ = capacity_regions + reserve_regions;
  if (Status status = use_.Create(count_); !status.ok()) return status;
  if (Status status = committed_.Create(count_); !status.ok()) return status;
  if (Status status = clean_from_.Create(count_); !status.ok()) return status;
  if (Status status = punching_.Create(count_); !status.ok()) return status;
  if (Status status = mapped_.Create(count_); !status.ok()) return status;
  if (Status status = large_head_.Create(count_); !status.ok()) return status;
  if (Status status = born_.Create(count_); !status.ok()) return status;
  if (Status status = later_.Create(count_); !status.ok()) return status;
  large_until_ = search_below_ = end();
  has_two_ends_ = capacity_regions >= kLeastRegionsWithTwoEnds && count_ <= kMostRegionsWithTwoEnds;
  free_count_.store(count_, std::memory_order_relaxed);
  return {};
}

void Regions::ReuseLate(RegionIndex first) {
  const LockGuard guard(lock_);
  reuses_late_ = true;
  search_from_ = first;
}

bool Regions::TakeFree(RegionIndex* region, RegionKind kind) {
  const RegionIndex found = IsFromBack(kind) ? FindFromBack() : FindFromFront();
  if (found == kNone) return false;
  *region = found;
  Take(found);
  return true;
}

void Regions::Free(RegionIndex region) {
  const RegionUse before = use_[region];
  if (before.state != RegionState::kSource) Charge(-1);
  AddUsed(-static_cast<int64_t>(before.used_pages));
  Set(region, RegionUse{});
  if (clean_from_[region] == 0) committed_.Remove(region);
  free_count_.fetch_add(1, std::memory_order_relaxed);
  NoteFree(region);
}

PageRun Regions::Cut(RegionIndex region, uint32_t pages) {
  PageRun run;
  const uint32_t used = use_[region].used_pages;
  run.first = FirstPageOfRegion(region) + used;
  run.count = pages;
  run.dirty = clean_from_[region] > used ? std::min<uint32_t>(clean_from_[region] - used, pages) : 0;
  Set(region, {use_[region].state, use_[region].kind, static_cast<uint16_t>(used + pages)});
  clean_from_[region] = std::max<uint16_t>(clean_from_[region], use_[region].used_pages);
  run.mapped = NoteMapped(region, used, used + pages);
  AddUsed(pages);
  return run;
}

bool Regions::NoteMapped(RegionIndex region, uint32_t from, uint32_t to) {
  Mapped& mapped = mapped_[region];
  if (mapped.view == view_ && from >= mapped.from && to <= mapped.to) return true;
  if (mapped.view == view_ && from >= mapped.from && from <= mapped.to) {
    mapped.to = static_cast<uint16_t>(to);
  } else {
    mapped = {view_, static_cast<uint16_t>(from), static_cast<uint16_t>(to)};
  }
  return false;
}

bool Regions::TakePartial(RegionKind kind, uint32_t least) {
  std::vector<RegionIndex>& partial = PartialOf(kind);
  // The last ones were added most recently; a region too full for this request may serve the next.
  for (size_t i = partial.size(); i-- > 0;) {
    const RegionIndex region = partial[i];
    if (use_[region].state == RegionState::kLive && punching_[region] == 0 && PagesLeft(region) < least) continue;
    partial[i] = partial.back();
    partial.pop_back();
    // They count again, page by page, when it is the current region.
    AddOpen(kind, -static_cast<int64_t>(PagesLeft(region)));
    if (use_[region].state != RegionState::kLive || punching_[region] != 0) continue;
    Open(kind, region);
    return true;
  }
  return false;
}

void Regions::Open(RegionKind kind, RegionIndex region) {
  FAULTLINE_CHECK(!later_.Has(region), "(G) what a later wave evacuates is not filled further", region);
  SetState(region, RegionState::kAllocating);
  CurrentOf(kind) = region;
  AddOpen(kind, PagesLeft(region));
}

void Regions::Retire(RegionKind kind) {
  const RegionIndex region = CurrentOf(kind);
  if (region == kNone) return;
  SetState(region, RegionState::kLive);
  AddOpen(kind, -static_cast<int64_t>(PagesLeft(region)));
  // A region filled since the last marking may be filled further; a waiter may need a single page of it.
  if (PagesLeft(region) >= (queue_.empty() ? kLeastPartialPages : 1)) AddPartial(region);
  CurrentOf(kind) = kNone;
}

bool Regions::Resume(RegionKind kind, uint32_t least) {
  const RegionIndex current = CurrentOf(kind);
  if (current != kNone && PagesLeft(current) >= least) return true;
  Retire(kind);
  return TakePartial(kind, least);
}

bool Regions::Mix(uint32_t least) {
  if (!Resume(RegionKind::kLeaf, least)) return false;
  const RegionIndex region = CurrentOf(RegionKind::kLeaf);
  // Pages of it that mutators have already are filled with leaves, as before.
  SetKind(region, RegionKind::kMixed);
  CurrentOf(RegionKind::kLeaf) = kNone;
  CurrentOf(RegionKind::kMixed) = region;
  return true;
}

RegionIndex Regions::Fillable(RegionKind kind, uint32_t least, uint64_t ahead_regions) {
  if (Resume(kind, least)) return CurrentOf(kind);
  RegionIndex region;
  if (charged() + ahead_regions < capacity_ && TakeFree(&region, kind)) {
    Charge(1);
    SetKind(region, kind);
    __atomic_store_n(&born_[region], ++births_, __ATOMIC_RELAXED);
    Open(kind, region);
    // Too few only in region 0 of the smallest heaps, with its unused page.
    return PagesLeft(region) < least ? kNone : region;
  }
  if (kind == RegionKind::kPinnable || !(IsLeaf(kind) ? Resume(RegionKind::kMixed, least) : Mix(least))) return kNone;
  return CurrentOf(RegionKind::kMixed);
}

PageRun Regions::TakePages(uint32_t least, uint32_t wanted, const Mutator* taker, RegionKind kind) {
  const LockGuard guard(lock_);
  const MemoryQueue::Need ahead = queue_.Ahead(taker);
  const MemoryQueue::Room room = Room();
  const bool is_pinnable = kind == RegionKind::kPinnable;
  if (is_pinnable) {
    wanted = least;
    if (!Resume(kind, least) && !queue_.empty() && !MemoryQueue::Fits(room, ahead, {0, 1})) return {};
  } else if (!queue_.empty()) {
    if (!MemoryQueue::Fits(room, ahead, NeedOf(least))) return {};
    if (!MemoryQueue::Fits(room, ahead, NeedOf(wanted))) wanted = least;
  }
  const RegionIndex region = Fillable(kind, least, ahead.regions);
  if (region == kNone) return {};
  uint32_t pages = std::min(std::max(least, wanted), PagesLeft(region));
  if (queue_.empty() && PagesLeft(region) - pages < kLeastPartialPages) pages = PagesLeft(region);
  AddOpen(use_[region].kind, -static_cast<int64_t>(pages));
  const bool is_given = !is_pinnable || room.regions != Room().regions;
  if (!queue_.empty() && is_given) CheckGiven(room, ahead, is_pinnable ? MemoryQueue::Need{0, 1} : NeedOf(pages));
  NoteHandedOut(pages);
  return Cut(region, pages);
}

PageRun Regions::TakeLarge(uint64_t words, const Mutator* taker, RegionKind kind) {
  const uint32_t needed = static_cast<uint32_t>((words + kRegionWords - 1) >> kRegionWordsLog2);
  const LockGuard guard(lock_);
  if (needed > capacity_ || charged() + needed > capacity_) return {};
  const MemoryQueue::Need ahead = queue_.Ahead(taker);
  const MemoryQueue::Room room = Room();
  if (!queue_.empty() && !MemoryQueue::Fits(room, ahead, NeedOfLarge(words))) return {};
  RegionIndex first = FindFreeRun(needed, large_until_, kind);
  if (first == kNone && large_until_ < count_) first = FindFreeRun(needed, end(), kind);
  if (first == kNone) {
    // No contiguous room: let the next targets be at the front.
    search_from_ = RegionIndex{0};
    lacks_contiguous_ = true;
    return {};
  }
  lacks_contiguous_ = false;
  if (reuses_late_) large_until_ = first;
  PageRun pages;
  pages.first = FirstPageOfRegion(first);
  pages.count = PagesForWords(words);
  uint32_t left = pages.count;
  for (uint32_t k = 0; k < needed; ++k) {
    const uint32_t used = std::min(left, kRegionPages);
    left -= used;
    committed_.Insert(first + k);
    Set(first + k, {k == 0 ? RegionState::kLargePending : RegionState::kLargeTail, kind, static_cast<uint16_t>(used)});
    __atomic_store_n(&large_head_[first + k], uint32_t{first}, __ATOMIC_RELAXED);
    // A dirty region makes the run dirty up to where that region is dirty.
    if (clean_from_[first + k] > 0) pages.dirty = k * kRegionPages + std::min<uint32_t>(clean_from_[first + k], used);
    clean_from_[first + k] = std::max<uint16_t>(clean_from_[first + k], static_cast<uint16_t>(used));
    AddUsed(used);
  }
  free_count_.fetch_sub(needed, std::memory_order_relaxed);
  Charge(needed);
  if (!queue_.empty()) CheckGiven(room, ahead, {0, needed});
  NoteHandedOut(pages.count);
  return pages;
}

void Regions::CommitLarge(RegionIndex first) {
  const LockGuard guard(lock_);
  FAULTLINE_CHECK(use_[first].state == RegionState::kLargePending, "only a pending large object is committed", first);
  SetState(first, RegionState::kLarge);
}

void Regions::AbandonLarge(RegionIndex first) {
  const LockGuard guard(lock_);
  FAULTLINE_CHECK(use_[first].state == RegionState::kLargePending, "only a pending large object is abandoned", first);
  RegionIndex region = first;
  do {
    Free(region);
    ++region;
  } while (region < count_ && use_[region].state == RegionState::kLargeTail && large_head_[region] == first);
}

void Regions::CloseForMarking(uint16_t* marked_pages) {
  const LockGuard guard(lock_);
  for (RegionIndex& current : current_) {
    if (current != kNone) SetState(current, RegionState::kLive);
    current = kNone;
  }
  for (std::vector<RegionIndex>& partial : partial_) partial.clear();
  open_pages_.store(0, std::memory_order_relaxed);
  memset(marked_pages, 0, count_ * sizeof(uint16_t));
  for (const RegionIndex i : committed_) {
    if (use_[i].state != RegionState::kLargePending) marked_pages[i] = use_[i].used_pages;
  }
}

void Regions::ReleaseTarget(RegionIndex region) {
  const LockGuard guard(lock_);
  FAULTLINE_CHECK(use_[region].state == RegionState::kTarget, "only a target is released", region);
  Charge(1);  // It was never charged, but Free discharges it.
  Free(region);
}

void Regions::CommitPlan(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& targets, size_t first_leaf) {
  const LockGuard guard(lock_);
  for (const RegionIndex region : sources) {
    FAULTLINE_CHECK(use_[region].state == RegionState::kLive, "(T) a source was live, never a target", region);
    FAULTLINE_CHECK(use_[region].kind != RegionKind::kPinnable, "(N) what may be pinned does not move", region);
    SetState(region, RegionState::kSource);
  }
  for (size_t i = first_leaf; i < targets.size(); ++i) SetKind(targets[i], RegionKind::kLeaf);
  Charge(static_cast<int64_t>(targets.size()) - static_cast<int64_t>(sources.size()));
}

void Regions::CancelPlan(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& targets) {
  const LockGuard guard(lock_);
  for (const RegionIndex region : sources) {
    FAULTLINE_CHECK(use_[region].state == RegionState::kSource, "only a source is cancelled", region);
    SetState(region, RegionState::kLive);
  }
  Charge(static_cast<int64_t>(sources.size()));
  for (const RegionIndex region : targets) {
    FAULTLINE_CHECK(use_[region].state == RegionState::kTarget, "only a target is released", region);
    Free(region);
  }
}

void Regions::Freeze(RegionUse* frozen) {
  const LockGuard guard(lock_);
  memcpy(frozen, use_.data(), count_ * sizeof(RegionUse));
}

void Regions::FreeSource(RegionIndex region) {
  const LockGuard guard(lock_);
  FAULTLINE_CHECK(use_[region].state == RegionState::kSource, "(F) a source is freed once", region);
  Free(region);
}

void Regions::FinishTarget(RegionIndex region, uint32_t used_pages) {
  const LockGuard guard(lock_);
  FAULTLINE_CHECK(use_[region].state == RegionState::kTarget, "a target is finished once", region);
  if (used_pages <= (region == 0 ? 1u : 0u)) {
    Free(region);
    return;
  }
  AddUsed(static_cast<int64_t>(used_pages) - use_[region].used_pages);
  Set(region, {RegionState::kLive, use_[region].kind, static_cast<uint16_t>(used_pages)});
  clean_from_[region] = std::max<uint16_t>(clean_from_[region], static_cast<uint16_t>(used_pages));
}

void Regions::ReopenPartial(const std::vector<RegionIndex>& later) {
  const LockGuard guard(lock_);
  for (const RegionIndex i : later_) later_.Remove(i);
  for (const RegionIndex i : later) later_.Insert(i);
  uint32_t open = 0;
  for (const RegionKind kind : {RegionKind::kMixed, RegionKind::kLeaf}) open += CurrentOf(kind) == kNone ? 0 : PagesLeft(CurrentOf(kind));
  open_pages_.store(open, std::memory_order_relaxed);
  for (std::vector<RegionIndex>& partial : partial_) partial.clear();
  for (const RegionIndex i : committed_) {
    if (use_[i].state == RegionState::kLive && PagesLeft(i) >= kLeastPartialPages && !later_.Has(i)) AddPartial(i);
  }
  // Nobody waits for contiguous room.
  if (queue_.empty()) lacks_contiguous_ = false;
  // The lowest are taken first, which is from the back.
  for (std::vector<RegionIndex>& partial : partial_) std::reverse(partial.begin(), partial.end());
}

}  // namespace faultline
