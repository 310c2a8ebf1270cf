#include "gc/compaction/page_building.h"

#include <algorithm>
#include <cstring>

#include "os/invariant.h"

namespace faultline {

namespace {

FAULTLINE_INLINE uint32_t Load(const uint32_t* slot, bool shared) { return shared ? __atomic_load_n(slot, __ATOMIC_RELAXED) : *slot; }

// In a shared slot, a store made in between survives (invariant L2 of heap/load_barrier.h).
FAULTLINE_INLINE void Replace(uint32_t* slot, uint32_t old, uint32_t by, bool shared) {
  if (shared) {
    __atomic_compare_exchange_n(slot, &old, by, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  } else {
    *slot = by;
  }
}

// The slots of a special shape that are not simply references.  Not inlined: that would slow the loops around it, and few objects come
// here.
__attribute__((noinline)) void ForwardSpecialSlots(const Forwarding& forwarding, const Shape& shape, uint32_t count, uint32_t* slots,
                                                   uint64_t begin, uint64_t end, bool shared) {
  ForEachSpecialRun(shape, count, [&](ElementKind kind, uint64_t first, uint64_t last) {
    const bool holds_weakly = kind >= ElementKind::kWeak;
    for (uint64_t slot = first < begin ? begin : first; slot < (last < end ? last : end); ++slot) {
      const uint32_t value = Load(&slots[slot], shared);
      const WordIndex old(value);
      if (!IsReference(value) || !forwarding.Moves(old)) continue;
      FAULTLINE_CHECK(!holds_weakly || forwarding.IsLive(old), "(W) a weak slot refers to an object that is alive", old);
      Replace(&slots[slot], old, forwarding.NewAddress(old), shared);
    }
  });
}

// Forwards those references of an object that lie in its u32 slots [begin, end).  `slots` points at the object's header, or at where the
// header would be.  A slot is written only when it changes.
template <bool kShared>
FAULTLINE_INLINE void ForwardSlots(const Forwarding& forwarding, const Shape& shape, uint32_t count, uint32_t* slots, uint64_t begin,
                                   uint64_t end) {
  const auto forward = [&](uint64_t first, uint64_t last) __attribute__((always_inline)) {
    for (uint64_t slot = first < begin ? begin : first; slot < (last < end ? last : end); ++slot) {
      const WordIndex old(Load(&slots[slot], kShared));
      if (forwarding.Moves(old)) Replace(&slots[slot], old, forwarding.NewReference(old), kShared);
    }
  };
  ForEachSlotRun(shape, count, forward, [&] { ForwardSpecialSlots(forwarding, shape, count, slots, begin, end, kShared); });
}

// The part of `object` that lies on [page_begin, page_begin + kPageWords), in place.
template <bool kShared>
FAULTLINE_INLINE void ForwardOnPage(Heap& heap, const Forwarding& forwarding, WordIndex object, const Shape& shape, uint32_t count,
                                    WordIndex page_begin) {
  uint32_t* const slots = heap.SlotsOf(object);
  const uint64_t begin = page_begin > object ? uint64_t{page_begin - object} * 2 : 0;
  const uint64_t end = (uint64_t{page_begin} + kPageWords - object) * 2;
  ForwardSlots<kShared>(forwarding, shape, count, slots, begin, end);
}

FAULTLINE_INLINE void CopyWords(uint64_t* to, const uint64_t* from, uint32_t count) {
  if (count > 16) {
    memcpy(to, from, count * kWordBytes);
    return;
  }
  for (uint32_t i = 0; i < count; ++i) to[i] = from[i];
}

// References that were copied but not forwarded yet.  Their table entries are prefetched when a slot enters the queue and used when it
// leaves, up to kDepth references later: with random references that hides most of two cache misses a slot.  The entries of a nearby
// reference are in the cache already, so it is forwarded at once.
class ForwardingQueue {
 public:
  FAULTLINE_INLINE explicit ForwardingQueue(const Forwarding& forwarding) : forwarding_(forwarding) {}

  // `owner` is the object that the slot belongs to, at its old address.
  FAULTLINE_INLINE void Push(uint32_t* slot, WordIndex owner) {
    const WordIndex reference(*slot);
    if (reference == 0 || !forwarding_.Moves(reference)) return;
    if (reference - owner + kNearWords < 2 * kNearWords) {
      Forward(slot);
      return;
    }
    forwarding_.Prefetch(reference);
    uint32_t*& place = slots_[count_++ % kDepth];
    if (__builtin_expect(count_ > kDepth, 1)) Forward(place);
    place = slot;
  }

  FAULTLINE_INLINE void Flush() {
    const uint32_t left = count_ < kDepth ? count_ : kDepth;
    for (uint32_t i = 0; i < left; ++i) Forward(slots_[i]);
  }

 private:
  // Of a slot whose reference is known to move.
  FAULTLINE_INLINE void Forward(uint32_t* slot) {
    const WordIndex reference(*slot);
    *slot = forwarding_.NewAddressInSource(reference, RegionOf(reference));
  }

  static constexpr uint32_t kDepth = 32;
  static constexpr uint32_t kNearWords = 64 * 1024;  // 12 KiB of table entries to each side.
  const Forwarding forwarding_;
  uint32_t* slots_[kDepth];
  uint32_t count_ = 0;
};

// The first object start at or after `from`, or some word at or after `end`.  Has no branch in the common case that it lies within 64
// words: where garbage is spread at random, any branch on that would be mispredicted half of the time.
FAULTLINE_INLINE WordIndex NextStart(const Bitmap& object_starts, WordIndex from, WordIndex end) {
  const uint64_t* const cell = object_starts.data() + (from >> 6);
  const uint32_t shift = from & 63;
  // Relaxed: the second cell may belong to the next region, where it may change; then what it says is not looked at.
  const uint64_t second = __atomic_load_n(cell + 1, __ATOMIC_RELAXED);
  const uint64_t window = (__atomic_load_n(cell, __ATOMIC_RELAXED) >> shift) | ((second << 1) << (63 - shift));
  if (__builtin_expect(window != 0, 1)) return from + static_cast<uint32_t>(__builtin_ctzll(window));
  return object_starts.FindNext(from, end);
}

// (B) The start bits of a target page, built at `to`: its objects lie one behind the other, from `at` to `end`.  Another pass, and not
// inlined: few pages have another wave after them.
__attribute__((noinline)) void MarkStarts(Heap& heap, PageIndex page, const uint64_t* to, uint32_t at, uint32_t end) {
  uint64_t starts[Bitmap::kPageCells] = {};
  while (at < end) {
    starts[at >> 6] |= uint64_t{1} << (at & 63);
    const Header header = HeaderAt(to, WordIndex(at));
    at += static_cast<uint32_t>(heap.shapes[header.shape].Words(header.count));
  }
  heap.tables.object_starts.SetPage(page, starts);
}

// `kLeaves`: the target is a leaf region.
template <bool kLeaves>
FAULTLINE_INLINE void BuildTarget(Heap& heap, const Forwarding& forwarding, SourceRelease& release, PageIndex page, uint64_t* const to) {
  SideTables& tables = heap.tables;
  const uint64_t* const words = heap.words();
  const Shape* const shapes = heap.shapes.data();
  const WordIndex page_begin = FirstWordOfPage(page);
  const WordIndex target_end = tables.target_end[RegionOfPage(page)];
  FAULTLINE_CHECK(target_end > page_begin, "only pages that receive something are built", page);
  const uint32_t limit = std::min(kPageWords, target_end - page_begin);

  ForwardingQueue queue(forwarding);
  WordIndex object = tables.page_records[page].start;
  uint32_t skip = tables.page_records[page].offset_or_end;
  RegionIndex source = RegionOf(object);
  WordIndex source_end = FirstWordOfRegion(source) + kRegionWords;
  const uint32_t first_start = tables.marks_targets && skip > 0 ? static_cast<uint32_t>(heap.WordsOf(object)) - skip : 0;
  uint32_t at = 0;
  for (;;) {
    const Header header = HeaderAt(words, object);
    const Shape shape = shapes[header.shape];
    const uint32_t size = static_cast<uint32_t>(shape.Words(header.count));
    const uint64_t* const from = words + object;
    if (kLeaves) {
      FAULTLINE_CHECK(shape.has_references == 0, "(R) no object that is copied to a leaf region holds references", object, header.shape);
      const uint32_t piece = std::min(size - skip, limit - at);
      CopyWords(to + at, from + skip, piece);
      at += piece;
      skip = 0;
    } else if (skip == 0 && size <= limit - at) {
      CopyWords(to + at, from, size);
      uint32_t* const slots = reinterpret_cast<uint32_t*>(to + at);
      const auto push = [&](uint64_t first, uint64_t last) __attribute__((always_inline)) {
        for (uint32_t *slot = slots + first, *const end = slots + last; slot != end; ++slot) queue.Push(slot, object);
      };
      ForEachSlotRun(shape, header.count, push,
                     [&] { ForwardSpecialSlots(forwarding, shape, header.count, slots, 0, uint64_t{size} * 2, false); });
      at += size;
    } else {
      const uint32_t piece = std::min(size - skip, limit - at);
      CopyWords(to + at, from + skip, piece);
      if (shape.has_references != 0) {
        // `to + at - skip` would be the object's header; slots outside [skip, skip + piece) are not touched.
        uint32_t* const slots = reinterpret_cast<uint32_t*>(to + at) - uint64_t{skip} * 2;
        ForwardSlots<false>(forwarding, shape, header.count, slots, uint64_t{skip} * 2, uint64_t{skip + piece} * 2);
      }
      at += piece;
      skip = 0;
    }
    if (at == limit) break;
    object = NextStart(tables.object_starts, object + size, source_end);
    if (object >= source_end) {
      release.SourceRead(source);
      source = tables.next_source[source];
      FAULTLINE_CHECK(source != SideTables::kEndOfSources, "(P) a target ends where its last source ends", page, at);
      object = FirstWordOfRegion(source);
      source_end = object + kRegionWords;
      object = tables.object_starts.FindNext(object, source_end);
    }
  }
  queue.Flush();
  release.SourceRead(source);
  if (at < kPageWords) memset(to + at, 0, (kPageWords - at) * kWordBytes);
  if (tables.marks_targets) MarkStarts(heap, page, to, first_start, limit);
}

template <bool kShared>
FAULTLINE_INLINE void BuildInPlace(Heap& heap, const Forwarding& forwarding, PageIndex page) {
  const Bitmap& starts = heap.tables.object_starts;
  const uint64_t* const words = heap.words();
  const WordIndex begin = FirstWordOfPage(page);
  const WordIndex end = begin + kPageWords;
  WordIndex object = begin;
  if (!starts.Test(begin)) {
    // The last object that starts before the page may reach into it.
    const WordIndex previous = starts.FindPrevious(FirstWordOfRegion(RegionOfPage(page)), begin);
    if (previous != begin) object = previous;
  }
  while (object < end) {
    if (object >= begin && !starts.Test(object)) {
      object = starts.FindNext(object, end);
      continue;
    }
    const Header header = HeaderAt(words, object);
    const Shape& shape = heap.shapes[header.shape];
    const WordIndex next = object + static_cast<uint32_t>(shape.Words(header.count));
    if (shape.has_references != 0 && next > begin) ForwardOnPage<kShared>(heap, forwarding, object, shape, header.count, begin);
    object = std::max(next, begin);
  }
}

template <bool kShared>
FAULTLINE_INLINE void BuildYoung(Heap& heap, const Forwarding& forwarding, PageIndex page) {
  const uint64_t* const words = heap.words();
  const WordIndex begin = FirstWordOfPage(page);
  WordIndex object = heap.tables.page_records[page].start;
  const WordIndex end = std::min(WordIndex(heap.tables.page_records[PageOf(object)].offset_or_end), begin + kPageWords);
  while (object < end) {
    const Header header = HeaderAt(words, object);
    // Words that were allocated but have no header: their thread was interrupted in between, and may have allocated more after them.
    if (!heap.shapes.IsValid(header.shape)) {
      ++object;
      continue;
    }
    const Shape& shape = heap.shapes[header.shape];
    const WordIndex next = object + static_cast<uint32_t>(shape.Words(header.count));
    if (shape.has_references != 0 && next > begin) ForwardOnPage<kShared>(heap, forwarding, object, shape, header.count, begin);
    object = next;
  }
}

template <bool kShared>
FAULTLINE_INLINE void BuildLarge(Heap& heap, const Forwarding& forwarding, PageIndex page) {
  const RegionIndex head = heap.regions.LargeHead(RegionOfPage(page));
  // Its memory was still being zeroed at the flip.  It may have become an object since, but then it holds only new references, and
  // nothing orders its owner's stores before our loads.
  if (heap.tables.frozen[head].state == RegionState::kLargePending) return;
  const WordIndex object = FirstWordOfRegion(head);
  const Header header = heap.HeaderOf(object);
  if (header.shape == 0) return;  // Abandoned before it became an object.
  const Shape& shape = heap.shapes[header.shape];
  if (shape.has_references == 0) return;
  ForwardOnPage<kShared>(heap, forwarding, object, shape, header.count, FirstWordOfPage(page));
}

bool popcnt_at_load = PageBuilder::CpuHasPopcnt();

}  // namespace

bool PageBuilder::CpuHasPopcnt() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("popcnt");
#else
  return true;  // Other architectures always have such an instruction.
#endif
}

PageBuilder::PageBuilder(Heap* heap, SourceRelease* release, Slots slots)
    : heap_(heap), release_(release), slots_(slots), forwarding_(heap->tables), build_(nullptr) {
  UsePopcnt(popcnt_at_load);
}

Treatment PageBuilder::TreatmentOf(PageIndex page) const {
  const RegionIndex region = RegionOfPage(page);
  const uint32_t in_region = page - FirstPageOfRegion(region);
  const RegionUse use = heap_->tables.frozen[region];
  const bool is_leaf = IsLeaf(use.kind);
  switch (use.state) {
    case RegionState::kTarget:
      return FirstWordOfPage(page) < heap_->tables.target_end[region] && page != 0 ? Treatment::kTarget : Treatment::kNone;
    case RegionState::kLive:
    case RegionState::kAllocating:
      if (in_region >= use.used_pages || page == 0) return Treatment::kNone;
      if (is_leaf) return Treatment::kUnchanged;
      return in_region < heap_->tables.marked_pages[region] ? Treatment::kInPlace : Treatment::kYoung;
    case RegionState::kLarge:
    case RegionState::kLargeTail:
    case RegionState::kLargePending:
      if (in_region >= use.used_pages) return Treatment::kNone;
      return is_leaf ? Treatment::kUnchanged : Treatment::kLarge;
    case RegionState::kFree:
    case RegionState::kSource:
      return Treatment::kNone;
  }
  return Treatment::kNone;
}

template <bool kShared>
FAULTLINE_INLINE void PageBuilder::BuildWith(PageIndex page, uint64_t* to) {
  switch (TreatmentOf(page)) {
    case Treatment::kTarget:
      if (IsLeaf(heap_->tables.frozen[RegionOfPage(page)].kind)) {
        BuildTarget<true>(*heap_, forwarding_, *release_, page, to);
      } else {
        BuildTarget<false>(*heap_, forwarding_, *release_, page, to);
      }
      return;
    case Treatment::kInPlace:
      BuildInPlace<kShared>(*heap_, forwarding_, page);
      return;
    case Treatment::kYoung:
      BuildYoung<kShared>(*heap_, forwarding_, page);
      return;
    case Treatment::kLarge:
      BuildLarge<kShared>(*heap_, forwarding_, page);
      return;
    case Treatment::kUnchanged:
      return;
    case Treatment::kNone:
      FAULTLINE_CHECK(false, "only pages with a treatment are built", page);
  }
}

template <bool kShared>
#if defined(__x86_64__)
__attribute__((target("popcnt,bmi,bmi2")))
#endif
void PageBuilder::BuildPopcnt(PageIndex page, uint64_t* to) {
  BuildWith<kShared>(page, to);
}

template <bool kShared>
void PageBuilder::BuildPortable(PageIndex page, uint64_t* to) {
  BuildWith<kShared>(page, to);
}

void PageBuilder::UsePopcnt(bool use) {
  if (slots_ == Slots::kShared) {
    build_ = use ? &PageBuilder::BuildPopcnt<true> : &PageBuilder::BuildPortable<true>;
  } else {
    build_ = use ? &PageBuilder::BuildPopcnt<false> : &PageBuilder::BuildPortable<false>;
  }
}

}  // namespace faultline
