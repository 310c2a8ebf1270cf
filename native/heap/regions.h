// Regions: what each MiB of the heap is used for, and handing out its pages.
//
// Pages of a region are handed out from the front; `used_pages` is their number.  From `clean_from` on, no page of the file was written
// since the region was last returned to the system, so nothing there needs zeroing.
//
// Committed.  A region is committed from when it is taken until its pages are the system's again.  What a cycle goes through are the
// committed regions, not the capacity: (E) every other region is empty, that is, it is free, the file has no page of it, and it has no
// marks.
//
// Budget.  `charged` counts every region that is neither free nor a source: what the heap will occupy when the running cycle is done.
// Mutators may take a region while charged < capacity and one is free; everything above the capacity is reserved for evacuation.  Sources
// are discharged and targets charged at one moment, when the plan is final (CommitPlan).  If it were earlier, mutators would take regions
// on the credit of sources that a reduced plan leaves where they are.  Targets never outnumber sources, so after every cycle the whole
// reserve is free again.
//
// Below the capacity is the limit, which sizing policy moves: how much of the capacity the heap means to use.  No thread waits at the
// limit.  Collections are timed to end before it is reached; a mutator that reaches it first asks for one, and goes on up to the capacity,
// because there is no point in stalling while memory is available.
//
// Kinds.  Each kind of region (heap/region_states.h) has one that is being filled and a list of those that have pages left.  The kinds
// share the budget, and what is open in either is of use to all: where no region is free, leaves are put into mixed regions, and a leaf
// region with pages left becomes a mixed one.  So a heap is never full because of kinds, and both count as one for (Q).  Not so pinnable
// regions: what is left of one is of no use to other objects, and for (Q) it does not exist.
//
// Ends.  Mixed regions, large objects too, are taken from the front and leaf regions from the back (region_places.cc), so that what a flip
// takes away of the mutator view lies together (gc/compaction/taken_away.h).  It is a matter of time only: any region may be of any kind.
// So while a large object finds no contiguous room, both are taken from the front, and compaction makes room at the back.
//
// All functions take the lock themselves unless they say otherwise.  No thread touches heap memory while holding it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "heap/layout.h"
#include "heap/mapped_array.h"
#include "heap/memory_queue.h"
#include "heap/region_set.h"
#include "heap/region_states.h"
#include "os/invariant.h"
#include "os/lock.h"

namespace faultline {

// One region as the collector sees it; four bytes, so that the flip can freeze the whole table with one copy.
struct alignas(4) RegionUse {
  RegionState state = RegionState::kFree;
  RegionKind kind = RegionKind::kMixed;
  uint16_t used_pages = 0;
};
static_assert(sizeof(RegionUse) == 4);

struct PageRun {
  PageIndex first{0};
  uint32_t count = 0;
  uint32_t dirty = 0;   // How many of them, from the front, may hold old data.
  bool mapped = false;  // All of them were populated in the current mutator view.
};

class Regions {
 public:
  Status Create(uint32_t capacity_regions, uint32_t reserve_regions);

  // For heaps that detect stale references (heap/poison.h): free regions are taken in turn, from `first` on, so that freed memory is reused
  // as late as possible.
  void ReuseLate(RegionIndex first);

  // Pages for objects of that kind, a TLAB's: at least `least` of one region, `wanted` if there is room, more only to use up a region.  An
  // empty run means that the caller must first collect or wait for a collection, or that what is left is reserved for waiters (Q).
  PageRun TakePages(uint32_t least, uint32_t wanted, const Mutator* taker = nullptr, RegionKind kind = RegionKind::kMixed);

  // Consecutive free regions for one large object, in state kLargePending; 0 in `count` when there are none.
  PageRun TakeLarge(uint64_t words, const Mutator* taker = nullptr, RegionKind kind = RegionKind::kMixed);

  // The queue of mutators that wait for memory; see MemoryQueue.
  uint64_t JoinQueue(const Mutator* waiter, const MemoryQueue::Need& need, uint64_t place) {
    const LockGuard guard(lock_);
    return queue_.Join(waiter, need, place);
  }
  void LeaveQueue(const Mutator* waiter) {
    const LockGuard guard(lock_);
    queue_.Leave(waiter);
  }
  bool IsFirstInQueue(const Mutator* waiter) const {
    const LockGuard guard(lock_);
    return queue_.IsFirst(waiter);
  }
  // Whether an attempt may succeed now.
  bool HasRoomFor(const Mutator* taker, const MemoryQueue::Need& need) const {
    const LockGuard guard(lock_);
    return MemoryQueue::Fits(Room(), queue_.Ahead(taker), need);
  }
  static MemoryQueue::Need NeedOf(uint32_t pages) { return {pages, 0}; }
  MemoryQueue::Need NeedOfLarge(uint64_t words) const {
    return {0, std::min<uint64_t>((words + kRegionWords - 1) >> kRegionWordsLog2, capacity_)};
  }
  void CommitLarge(RegionIndex first);
  void AbandonLarge(RegionIndex first);

  // Ends allocation in the regions that are being filled: until ReopenPartial, new pages come from regions that are free now.  Writes how
  // many pages of each region the marking decides on.
  void CloseForMarking(uint16_t* marked_pages);

  // Frees regions that have no live words and large objects whose first word is unmarked (`is_marked`), and sets their marked_pages to 0:
  // what is allocated there from now on is younger than the marking.
  template <typename IsMarked>
  uint32_t SweepDead(const uint32_t* live_words, uint16_t* marked_pages, IsMarked is_marked);

  // The plan: free regions become targets, live ones sources.  ReserveTargets appends up to `wanted` and returns how many there are, in the
  // order of region_places.cc.  Until CommitPlan they are not charged, and may be released one by one.
  uint32_t ReserveTargets(uint32_t wanted, std::vector<RegionIndex>* targets, RegionKind kind = RegionKind::kMixed,
                          const std::vector<RegionIndex>& sources = {});
  void ReleaseTarget(RegionIndex region);
  // From `first_leaf` on targets get leaves only.
  void CommitPlan(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& targets, size_t first_leaf = ~size_t{0});
  void CancelPlan(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& targets);
  void Freeze(RegionUse* frozen);

  // Compaction: a source without readers becomes free; at the end, targets become live.
  void FreeSource(RegionIndex region);
  void FinishTarget(RegionIndex region, uint32_t used_pages);

  // Live regions with room after their last used page may be filled up again (never between marking and plan).  (G) Not those that a later
  // wave of the cycle evacuates: these stay closed until the next call.
  void ReopenPartial(const std::vector<RegionIndex>& later = {});

  // Those that may have pages in the file: all that are in use, and the free ones whose pages were kept (E).  Without the lock this is a
  // moment's truth: a region may join at any time.  Regions leave by EndPunch, between cycles.
  const RegionSet& committed() const { return committed_; }
  // Appends the free ones of them, the lowest first.
  void CommittedFree(std::vector<RegionIndex>* regions) const;
  // How many pages of it, from the front, the file may have.  The caller holds the lock.
  uint32_t FilePages(RegionIndex region) const { return clean_from_[region]; }
  // How many of the `kept` free regions should be the first ones, and not the last: by what was taken from the front, and all in the front
  // zone.
  size_t KeptAtFront(const std::vector<RegionIndex>& free, size_t kept) const;
  // So many pages of a target may be in the file from here on.
  void NoteProvided(RegionIndex target, uint32_t pages);
  // Takes a free region out of circulation while its pages are punched, and puts it back clean.
  bool BeginPunch(RegionIndex region);
  // The same for the unused pages at the end of a region in use; count 0 when there are none.
  PageRun BeginPunchTail(RegionIndex region);
  // Ends either.
  void EndPunch(RegionIndex region, bool punched);

  // The first region of the large object that `region` belongs to; stable while the object lives.
  RegionIndex LargeHead(RegionIndex region) const { return RegionIndex(__atomic_load_n(&large_head_[region], __ATOMIC_RELAXED)); }

  // Pages of a free region that are in the file but not populated in the current mutator view; count 0 when there are none.
  PageRun UnmappedFree(RegionIndex region) const;
  // Notes that they are populated now.
  void NoteMappedFree(const PageRun& run);
  // The mutator view was replaced or write-tracked: pages that were populated before no longer count as mapped.
  void ForgetMapped() {
    const LockGuard guard(lock_);
    ++view_;
  }
  // Those of some regions.
  template <typename Which>
  void ForgetMapped(Which which) {
    const LockGuard guard(lock_);
    for (const RegionIndex region : committed_) {
      if (which(region)) mapped_[region] = Mapped{};
    }
  }

  // A snapshot without the lock: the entry may change at any time.
  RegionUse use(RegionIndex region) const {
    RegionUse use;
    __atomic_load(&use_[region], &use, __ATOMIC_RELAXED);
    return use;
  }
  // When mutators took the region to fill it, as a number that grows; what the region holds may be older.  0 if it was filled by
  // compaction, with objects that have lived for a while.
  uint32_t born(RegionIndex region) const { return __atomic_load_n(&born_[region], __ATOMIC_RELAXED); }
  uint32_t count() const { return count_; }
  RegionIndex end() const { return RegionIndex(count_); }
  uint32_t capacity() const { return capacity_; }
  // Whether leaf regions are taken from the back, as long as that is possible.
  bool has_two_ends() const { return has_two_ends_ && !reuses_late_; }
  void SetLimit(uint32_t regions) { limit_.store(regions, std::memory_order_relaxed); }

  // Relaxed: for statistics and triggers.
  uint32_t free_count() const { return free_count_.load(std::memory_order_relaxed); }
  uint32_t charged() const { return charged_.load(std::memory_order_relaxed); }
  uint64_t used_pages_total() const { return used_pages_total_.load(std::memory_order_relaxed); }
  uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  // Pages that mutators may take without charging another region.
  uint64_t open_pages() const { return open_pages_.load(std::memory_order_relaxed); }
  // All pages that mutators ever took.
  uint64_t handed_out_pages() const { return handed_out_pages_.load(std::memory_order_relaxed); }

  Lock& lock() { return lock_; }

 private:
  // The caller of these holds the lock.
  bool TakeFree(RegionIndex* region, RegionKind kind);  // Not charged.
  void Take(RegionIndex region) {                       // One that is free.
    committed_.Insert(region);
    free_count_.fetch_sub(1, std::memory_order_relaxed);
    if (region != 0) return;
    // The first page of the heap is never used: 0 is null.
    Set(region, {RegionState::kFree, RegionKind::kMixed, 1});
    AddUsed(1);
    clean_from_[region] = std::max<uint16_t>(clean_from_[region], 1);
  }
  bool IsFromBack(RegionKind kind) const {
    // What never moves lies where large objects do.
    if (kind == RegionKind::kPinnable) return !reuses_late_;
    return IsLeaf(kind) && has_two_ends() && !lacks_contiguous_;
  }
  // The first free one in that order; kNone when there is none.
  RegionIndex FindFromFront();
  RegionIndex FindFromBack();
  // The front zone ends behind the last mixed region before the first leaf one.
  struct Zones {
    RegionIndex front_end;
    RegionIndex leaves_begin;
  };
  Zones FindZones() const;
  // All free regions, the best places for targets first.
  std::vector<RegionIndex> PlacesForMixed() const;
  std::vector<RegionIndex> PlacesForLeaves(uint32_t wanted, const std::vector<RegionIndex>& sources) const;
  // Those in [begin, end) that have pages in the file, or that have none.
  void AppendFree(RegionIndex begin, RegionIndex end, bool have_pages, std::vector<RegionIndex>* regions) const;
  bool HasPages(RegionIndex region) const { return clean_from_[region] > 0; }
  bool IsFree(RegionIndex region) const { return use_[region].state == RegionState::kFree && punching_[region] == 0; }
  // The first region of the last run of `needed` contiguous free regions below `end`, or of the first run for what holds references where
  // kinds have an end each; kNone when there is none.
  RegionIndex FindFreeRun(uint32_t needed, RegionIndex end, RegionKind kind) const;
  void NoteFree(RegionIndex region) {
    if (!reuses_late_ && region < search_from_) search_from_ = region;
    if (region >= search_below_) search_below_ = region + 1;
  }
  void Free(RegionIndex region);  // Discharged, unless it was a source.
  void Charge(int64_t regions) { charged_.fetch_add(static_cast<uint32_t>(regions), std::memory_order_relaxed); }
  // As one store: use() reads without the lock.
  void Set(RegionIndex region, RegionUse use) {
    const RegionState before = use_[region].state;
    FAULTLINE_CHECK(before == use.state || MayChange(before, use.state), "kRegionTransitions has every change of a region's state",
                    static_cast<uint64_t>(before), static_cast<uint64_t>(use.state));
    FAULTLINE_CHECK(use.state == RegionState::kFree || committed_.Has(region), "(E) a region in use is committed", region);
    __atomic_store(&use_[region], &use, __ATOMIC_RELAXED);
  }
  void SetState(RegionIndex region, RegionState state) { Set(region, {state, use_[region].kind, use_[region].used_pages}); }
  void SetKind(RegionIndex region, RegionKind kind) { Set(region, {use_[region].state, kind, use_[region].used_pages}); }
  uint32_t PagesLeft(RegionIndex region) const { return kRegionPages - use_[region].used_pages; }
  MemoryQueue::Room Room() const { return {charged() < capacity_ ? capacity_ - charged() : 0, open_pages()}; }
  // Checks (Q) again afterwards: what was `given` was available besides the needs `ahead`.
  void CheckGiven(const MemoryQueue::Room& before, const MemoryQueue::Need& ahead, const MemoryQueue::Need& given) const {
    const uint64_t charged_now = before.regions - Room().regions;
    FAULTLINE_CHECK(MemoryQueue::Fits(before, ahead, given), "(Q) what a waiter needs is given to nobody behind it", given.pages,
                    given.regions);
    FAULTLINE_CHECK(charged_now == 0 || charged_now + ahead.regions <= before.regions,
                    "(Q) whole regions are left to those who wait for them", charged_now, ahead.regions);
  }
  // The region of that kind that is being filled has so many pages left, or one that has is found among those that were filled before.
  bool Resume(RegionKind kind, uint32_t least);
  bool TakePartial(RegionKind kind, uint32_t least);
  // The one that is being filled is another one from here on.
  void Open(RegionKind kind, RegionIndex region);
  void Retire(RegionKind kind);
  // (R) the other way round: a leaf region with so many pages left becomes the mixed one that is being filled.
  bool Mix(uint32_t least);
  // A region of `kind` with so many pages left, or of what takes its place; kNone when there is none that may be taken.
  RegionIndex Fillable(RegionKind kind, uint32_t least, uint64_t ahead_regions);
  RegionIndex& CurrentOf(RegionKind kind) { return current_[static_cast<size_t>(kind)]; }
  std::vector<RegionIndex>& PartialOf(RegionKind kind) { return partial_[static_cast<size_t>(kind)]; }
  PageRun Cut(RegionIndex region, uint32_t pages);
  bool NoteMapped(RegionIndex region, uint32_t from, uint32_t to);  // The caller holds the lock; true if they were mapped already.
  void NoteHandedOut(uint32_t pages) { handed_out_pages_.fetch_add(pages, std::memory_order_relaxed); }
  void AddOpen(RegionKind kind, int64_t pages) {
    if (kind != RegionKind::kPinnable) open_pages_.fetch_add(static_cast<uint64_t>(pages), std::memory_order_relaxed);
  }
  void AddPartial(RegionIndex region) {
    const RegionKind kind = use_[region].kind;
    PartialOf(kind).push_back(region);
    AddOpen(kind, PagesLeft(region));
  }
  void AddUsed(int64_t pages) { used_pages_total_.fetch_add(static_cast<uint64_t>(pages), std::memory_order_relaxed); }

  static constexpr RegionIndex kNone{~0u};
  // A tail shorter than this is not worth going back to.
  static constexpr uint32_t kLeastPartialPages = 4;

  mutable Lock lock_;
  uint32_t count_ = 0;
  uint32_t capacity_ = 0;
  MemoryQueue queue_;
  MappedArray<RegionUse, RegionIndex> use_;
  RegionSet committed_;
  MappedArray<uint16_t, RegionIndex> clean_from_;
  MappedArray<uint16_t, RegionIndex> punching_;  // First page that is being punched, plus 1; 0 for none.
  MappedArray<uint32_t, RegionIndex> large_head_;
  MappedArray<uint32_t, RegionIndex> born_;
  uint32_t births_ = 0;
  // Pages [from, to) of a region were handed out, hence populated, since view number `view` came into use.
  struct Mapped {
    uint32_t view = 0;
    uint16_t from = 0;
    uint16_t to = 0;
  };
  MappedArray<Mapped, RegionIndex> mapped_;
  uint32_t view_ = 1;
  RegionIndex current_[kRegionKinds] = {kNone, kNone, kNone};  // Of each kind, what is being filled.
  RegionIndex search_from_{0};                                 // No region before it is free …
  RegionIndex search_below_{0};                                // … nor one from it on.
  bool reuses_late_ = false;
  bool has_two_ends_ = false;
  bool lacks_contiguous_ = false;  // A large object found no room.
  RegionIndex large_until_{0};     // Room for large objects is searched below this; with late reuse, where the last one was put.
  // No pages are taken from a region on these lists before it is taken off; open_pages_ relies on that.
  std::vector<RegionIndex> partial_[kRegionKinds];
  RegionSet later_;  // (G) Later waves evacuate these.
  // Written under lock_, read without it; relaxed, they order nothing.
  std::atomic<uint32_t> free_count_{0};
  std::atomic<uint32_t> charged_{0};
  std::atomic<uint32_t> limit_{0};
  std::atomic<uint64_t> used_pages_total_{0};
  std::atomic<uint64_t> open_pages_{0};
  std::atomic<uint64_t> handed_out_pages_{0};
};

template <typename IsMarked>
uint32_t Regions::SweepDead(const uint32_t* live_words, uint16_t* marked_pages, IsMarked is_marked) {
  const LockGuard guard(lock_);
  uint32_t freed = 0;
  for (RegionIndex region{0}; (region = committed_.Next(region)) < count_; ++region) {
    // A region without marked pages was free when marking ended: whatever is in it is younger and alive.
    if (marked_pages[region] == 0) continue;
    if (use_[region].state == RegionState::kLive && live_words[region] == 0) {
      Free(region);
      // As one store: FoundAlive (heap/weak_access.h) may be late.
      __atomic_store_n(&marked_pages[region], uint16_t{0}, __ATOMIC_RELEASE);
      ++freed;
    } else if (use_[region].state == RegionState::kLarge && !is_marked(FirstWordOfRegion(region))) {
      do {
        Free(region);
        __atomic_store_n(&marked_pages[region], uint16_t{0}, __ATOMIC_RELEASE);
        ++freed;
        ++region;
      } while (region < count_ && use_[region].state == RegionState::kLargeTail);
      --region;
    }
  }
  return freed;
}

}  // namespace faultline
