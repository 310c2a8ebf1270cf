#include "gc/marking.h"

#include <sched.h>
#include <time.h>

#include "gc/gang.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr uint32_t kSpins = 64;
constexpr long kSleepNs = 20'000;

MarkEntry EntryOf(WordIndex object, uint32_t slice) { return (uint64_t{slice} << 32) | object; }
ShapeId ShapeOf(uint64_t header) { return static_cast<ShapeId>(header); }
uint32_t CountOf(uint64_t header) { return static_cast<uint32_t>(header >> 32); }

// In a pause every microsecond counts; while mutators run they are given the CPU.
void WaitABit(uint32_t spin, bool in_pause) {
  if (spin < kSpins) {
    CpuRelax();
  } else if (in_pause) {
    sched_yield();
  } else {
    const timespec pause = {0, kSleepNs};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

void MarkPool::Join() {
  const std::lock_guard<std::mutex> guard(lock_);
  busy_hint_.store(++busy_, std::memory_order_relaxed);
}

void MarkPool::Leave() {
  const std::lock_guard<std::mutex> guard(lock_);
  busy_hint_.store(--busy_, std::memory_order_relaxed);
}

void MarkPool::Give(Chunk chunk) {
  const std::lock_guard<std::mutex> guard(lock_);
  chunks_.push_back(std::move(chunk));
  size_.store(static_cast<uint32_t>(chunks_.size()), std::memory_order_relaxed);
}

bool MarkPool::TryTake(Chunk* chunk) {
  if (chunks_.empty()) return false;
  *chunk = std::move(chunks_.back());
  chunks_.pop_back();
  size_.store(static_cast<uint32_t>(chunks_.size()), std::memory_order_relaxed);
  return true;
}

bool MarkPool::Await(Chunk* chunk, uint64_t deadline_ns) {
  {
    const std::lock_guard<std::mutex> guard(lock_);
    if (TryTake(chunk)) return true;
    busy_hint_.store(--busy_, std::memory_order_relaxed);
  }
  waiting_.fetch_add(1, std::memory_order_relaxed);
  bool got = false;
  const bool in_pause = deadline_ns == Gang::kForever;
  for (uint32_t spin = 0;; ++spin) {
    if (size_.load(std::memory_order_relaxed) > 0 || busy_hint_.load(std::memory_order_relaxed) == 0) {
      const std::lock_guard<std::mutex> guard(lock_);
      if (TryTake(chunk)) {
        busy_hint_.store(++busy_, std::memory_order_relaxed);
        got = true;
        break;
      }
      if (busy_ == 0) break;
    }
    if (!in_pause && spin >= kSpins && NowNs() >= deadline_ns) break;
    WaitABit(spin, in_pause);
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return got;
}

bool MarkPool::Idle() const {
  if (size_.load(std::memory_order_relaxed) > 0 || busy_hint_.load(std::memory_order_relaxed) > 0) return false;
  const std::lock_guard<std::mutex> guard(lock_);
  return busy_ == 0 && chunks_.empty();
}

Tracer::Tracer(Heap* heap, MarkPool* pool, const uint16_t* young_from)
    : heap_(heap), pool_(pool), young_from_(young_from), live_words_(heap->regions.count()) {
  stack_.reserve(4096);
}

void Tracer::MarkReference(uint32_t reference, WordIndex slot_owner) {
  if (reference == 0) return;
  const RegionIndex region = RegionOf(reference);
  FAULTLINE_CHECK(region < heap_->regions.count() && reference >= kPageWords,
                  "a reference lies inside the heap (owner, reference)", slot_owner, reference);
  if (young_from_ != nullptr && PageOf(reference) - FirstPageOfRegion(region) >= young_from_[region]) return;
  if (!heap_->tables.object_starts.TestAndSet(reference)) return;
  // The header is not read here: it goes through the ring first, so that the line has time to arrive.
  __builtin_prefetch(heap_->words() + reference);
  const MarkEntry leaving = ring_[ring_at_];
  ring_[ring_at_] = EntryOf(reference, 0);
  ring_at_ = (ring_at_ + 1) % kPrefetchDepth;
  if (leaving != 0) Push(leaving);
}

void Tracer::Push(MarkEntry entry) {
  stack_.push_back(entry);
  if (stack_.size() >= 2 * MarkPool::kChunkEntries && pool_->hungry()) {
    // The oldest entries: they tend to lead to the largest subgraphs.
    MarkPool::Chunk chunk(stack_.begin(), stack_.begin() + MarkPool::kChunkEntries);
    stack_.erase(stack_.begin(), stack_.begin() + MarkPool::kChunkEntries);
    pool_->Give(std::move(chunk));
  }
}

void Tracer::TraceSlots(WordIndex object, uint64_t first_slot, uint64_t last_slot) {
  const uint32_t* const slots = heap_->slots() + uint64_t{object} * 2;
  for (uint64_t slot = first_slot; slot < last_slot; ++slot) {
    MarkReference(__atomic_load_n(&slots[slot], __ATOMIC_RELAXED), object);
  }
}

void Tracer::TraceObject(WordIndex object) {
  const uint64_t header = HeaderOf(object);
  const ShapeId id = ShapeOf(header);
  const uint32_t count = CountOf(header);
  if (id == 0) {
    unfinished_.push_back(object);
    return;
  }
  FAULTLINE_CHECK(heap_->shapes.IsValid(id), "a reference points at an object with a known shape (reference, shape)",
                  object, id);
  const Shape& shape = heap_->shapes[id];
  const uint64_t words = shape.Words(count);
  live_words_[RegionOf(object)] += static_cast<uint32_t>(words > kRegionWords ? kRegionWords : words);
  marked_words_ += words;
  ++marked_objects_;
  if (shape.has_references == 0) return;
  TraceSlots(object, kHeaderSlots, kHeaderSlots + shape.reference_fields);
  const uint64_t elements = uint64_t{shape.fixed_words} * 2;
  if (shape.is_special != 0) {
    const bool in_slices = shape.element_kind >= ElementKind::kReference && count > kSliceElements;
    TraceSpecialSlots(object, shape, count, 0, in_slices ? elements : ~uint64_t{0});
    if (!in_slices) return;
  } else if (shape.element_kind != ElementKind::kReference) {
    return;
  } else if (count <= kSliceElements) {
    TraceSlots(object, elements, elements + count);
    return;
  }
  const uint32_t slices = (count + kSliceElements - 1) / kSliceElements;
  for (uint32_t slice = slices; slice > 0; --slice) Push(EntryOf(object, slice));
}

void Tracer::Trace(MarkEntry entry) {
  const WordIndex object = static_cast<WordIndex>(entry);
  const uint32_t slice = static_cast<uint32_t>(entry >> 32);
  if (slice == 0) {
    TraceObject(object);
    return;
  }
  const uint64_t header = HeaderOf(object);
  const Shape& shape = heap_->shapes[ShapeOf(header)];
  const uint64_t elements = uint64_t{shape.fixed_words} * 2;
  const uint64_t first = uint64_t{slice - 1} * kSliceElements;
  const uint64_t last = first + kSliceElements < CountOf(header) ? first + kSliceElements : CountOf(header);
  if (shape.is_special != 0) {
    const uint64_t begin = elements + shape.ElementSlots(static_cast<uint32_t>(first));
    TraceSpecialSlots(object, shape, CountOf(header), begin, elements + shape.ElementSlots(static_cast<uint32_t>(last)));
    return;
  }
  TraceSlots(object, elements + first, elements + last);
}

// The part of a marked object that lies on words [begin, end).
void Tracer::TraceOnPages(WordIndex object, WordIndex begin, WordIndex end) {
  const uint64_t header = HeaderOf(object);
  if (ShapeOf(header) == 0) return;  // Somebody has it on the list of the unfinished.
  const Shape& shape = heap_->shapes[ShapeOf(header)];
  if (shape.has_references == 0) return;
  const uint64_t from = begin > object ? uint64_t{begin - object} * 2 : 0;
  const uint64_t until = uint64_t{end - object} * 2;
  const auto trace = [&](uint64_t first, uint64_t last) {
    TraceSlots(object, first < from ? from : first, last < until ? last : until);
  };
  trace(kHeaderSlots, kHeaderSlots + shape.reference_fields);
  if (shape.is_special != 0) {
    TraceSpecialSlots(object, shape, CountOf(header), from, until);
  } else if (shape.element_kind == ElementKind::kReference) {
    const uint64_t elements = uint64_t{shape.fixed_words} * 2;
    trace(elements, elements + CountOf(header));
  }
}

void Tracer::TracePages(PageIndex first, uint32_t count) {
  const Bitmap& starts = heap_->tables.object_starts;
  const WordIndex begin = FirstWordOfPage(first);
  const WordIndex end = FirstWordOfPage(first + count);
  // Region by region: no object but a large one goes over the end of its own.
  for (WordIndex at = begin; at < end;) {
    const RegionIndex region = RegionOf(at);
    const WordIndex region_end = FirstWordOfRegion(region) + kRegionWords;
    const WordIndex piece_end = end < region_end ? end : region_end;
    const RegionState state = heap_->regions.use(region).state;
    if (state == RegionState::kLarge || state == RegionState::kLargeTail) {
      const WordIndex object = FirstWordOfRegion(heap_->regions.LargeHead(region));
      if (starts.Test(object)) TraceOnPages(object, at, piece_end);
    } else if (state == RegionState::kLive || state == RegionState::kAllocating) {
      // The last object that starts before the piece may reach into it.
      WordIndex object = starts.FindPrevious(FirstWordOfRegion(region), at);
      if (object < at) TraceOnPages(object, at, piece_end);
      for (object = starts.FindNext(at, piece_end); object < piece_end; object = starts.FindNext(object + 1, piece_end)) {
        TraceOnPages(object, at, piece_end);
      }
    }
    at = piece_end;
  }
}

void Tracer::EmptyRing() {
  for (uint32_t i = 0; i < kPrefetchDepth; ++i) {
    MarkEntry& entry = ring_[(ring_at_ + i) % kPrefetchDepth];
    if (entry != 0) stack_.push_back(entry);
    entry = 0;
  }
}

void Tracer::Suspend() {
  EmptyRing();
  for (size_t at = 0; at < stack_.size(); at += MarkPool::kChunkEntries) {
    const size_t end = at + MarkPool::kChunkEntries < stack_.size() ? at + MarkPool::kChunkEntries : stack_.size();
    pool_->Give(MarkPool::Chunk(stack_.begin() + static_cast<ptrdiff_t>(at), stack_.begin() + static_cast<ptrdiff_t>(end)));
  }
  stack_.clear();
  pool_->Leave();
}

bool Tracer::Drain(uint64_t deadline_ns) {
  MarkPool::Chunk chunk;
  uint32_t until_clock = kClockEntries;
  for (;;) {
    while (!stack_.empty()) {
      const MarkEntry entry = stack_.back();
      stack_.pop_back();
      Trace(entry);
      if (--until_clock == 0) {
        until_clock = kClockEntries;
        if (deadline_ns != Gang::kForever && NowNs() >= deadline_ns) {
          Suspend();
          return false;
        }
      }
    }
    EmptyRing();
    if (!stack_.empty()) continue;
    if (!pool_->Await(&chunk, deadline_ns)) return pool_->Idle();
    stack_.insert(stack_.end(), chunk.begin(), chunk.end());
    chunk.clear();
  }
}

void Tracer::GiveUnfinished() {
  if (unfinished_.empty()) return;
  MarkPool::Chunk chunk;
  for (const WordIndex object : unfinished_) {
    FAULTLINE_CHECK(ShapeOf(HeaderOf(object)) != 0, "a stopped thread has given its objects their headers", object);
    chunk.push_back(EntryOf(object, 0));
  }
  unfinished_.clear();
  pool_->Give(std::move(chunk));
}

void Tracer::CountUnfinished() {
  for (const WordIndex object : unfinished_) ++live_words_[RegionOf(object)];
  unfinished_.clear();
}

void Tracer::Publish(uint64_t* marked_objects, uint64_t* marked_words) {
  for (RegionIndex region = 0; region < live_words_.size(); ++region) {
    heap_->tables.live_word_counts[region] += live_words_[region];
    live_words_[region] = 0;
  }
  *marked_objects += marked_objects_;
  *marked_words += marked_words_;
  marked_objects_ = marked_words_ = 0;
}

}  // namespace faultline
