#include "gc/marking/tracer.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include "gc/gang.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr uint32_t kSpins = 64;
constexpr long kSleepNs = 20'000;

// The upper half of an entry: a reference that was found, slice n of a marked array (from 1), or a marked object.
constexpr uint32_t kFound = 0;
constexpr uint32_t kWhole = ~uint32_t{0};

constexpr MarkEntry EntryOf(WordIndex object, uint32_t part) { return (uint64_t{part} << 32) | object; }
constexpr WordIndex ObjectOf(MarkEntry entry) { return WordIndex(entry); }
constexpr uint32_t PartOf(MarkEntry entry) { return static_cast<uint32_t>(entry >> 32); }

// In a pause every microsecond counts; otherwise the CPU is left to mutators.
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
  const LockGuard guard(lock_);
  busy_hint_.store(++busy_, std::memory_order_relaxed);
}

void MarkPool::Leave() {
  const LockGuard guard(lock_);
  busy_hint_.store(--busy_, std::memory_order_relaxed);
}

void MarkPool::Give(Chunk chunk) {
  const LockGuard guard(lock_);
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
    const LockGuard guard(lock_);
    if (TryTake(chunk)) return true;
    busy_hint_.store(--busy_, std::memory_order_relaxed);
  }
  waiting_.fetch_add(1, std::memory_order_relaxed);
  bool got = false;
  const bool in_pause = deadline_ns == Gang::kForever;
  for (uint32_t spin = 0;; ++spin) {
    if (size_.load(std::memory_order_relaxed) > 0 || busy_hint_.load(std::memory_order_relaxed) == 0) {
      const LockGuard guard(lock_);
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
  const LockGuard guard(lock_);
  return busy_ == 0 && chunks_.empty();
}

Tracer::Tracer(Heap* heap, MarkPool* pool, EphemeronTable* waiting, const uint16_t* young_from)
    : heap_(heap), pool_(pool), waiting_(waiting), young_from_(young_from), storage_(4096), live_words_(heap->regions.count()) {}

void Tracer::Reserve(size_t count) {
  if (top_ + count <= storage_.size()) return;
  if (bottom_ > 0) {
    memmove(storage_.data(), storage_.data() + bottom_, (top_ - bottom_) * sizeof(MarkEntry));
    top_ -= bottom_;
    bottom_ = 0;
  }
  if (top_ + count > storage_.size() / 2) storage_.resize(2 * (top_ + count));
}

void Tracer::Push(MarkEntry entry) {
  Reserve(1);
  storage_[top_++] = entry;
}

void Tracer::Take(const MarkPool::Chunk& chunk) {
  Reserve(chunk.size());
  memcpy(storage_.data() + top_, chunk.data(), chunk.size() * sizeof(MarkEntry));
  top_ += chunk.size();
}

void Tracer::ShareOldest() {
  const MarkEntry* const oldest = storage_.data() + bottom_;
  bottom_ += MarkPool::kChunkEntries;
  pool_->Give(MarkPool::Chunk(oldest, oldest + MarkPool::kChunkEntries));
}

void Tracer::CheckReference(WordIndex reference, WordIndex owner) const {
  FAULTLINE_CHECK(RegionOf(reference) < heap_->regions.count() && reference >= kPageWords,
                  "a reference lies inside the heap (owner, reference)", owner, reference);
}

// Outside the tracing loop, where most references found are to marked objects.
void Tracer::PushUnmarked(WordIndex reference) {
  if (!heap_->tables.object_starts.Test(reference)) Push(EntryOf(reference, kFound));
}

void Tracer::Find(WordIndex reference, WordIndex owner) {
  if (reference == 0) return;
  CheckReference(reference, owner);
  PushUnmarked(reference);
}

void Tracer::FindDelayed(WordIndex reference, WordIndex owner) {
  if (reference == 0) return;
  CheckReference(reference, owner);
  heap_->tables.object_starts.PrefetchToTest(reference);
  WordIndex& oldest = delayed_[next_delayed_++ % kDelayedFinds];
  if (oldest != 0) PushUnmarked(oldest);
  oldest = reference;
}

void Tracer::FinishDelayed() {
  for (WordIndex& reference : delayed_) {
    if (reference != 0) PushUnmarked(reference);
    reference = kNull;
  }
}

bool Tracer::EmptyStack(uint64_t deadline_ns) {
  Bitmap& starts = heap_->tables.object_starts;
  const uint64_t* const words = heap_->words();
  const Shape* const shapes = heap_->shapes.data();
  const RegionIndex regions = heap_->regions.end();
  uint32_t* const live_words = live_words_.data();
  // Kept in registers while the loop runs, and in the members around every call.
  MarkEntry* bottom = storage_.data() + bottom_;
  MarkEntry* top = storage_.data() + top_;
  MarkEntry* limit = storage_.data() + storage_.size();
  uint64_t marked_objects = 0;
  uint64_t marked_words = 0;
  MarkEntry queue[kQueueEntries] = {};
  uint32_t at = 0;
  uint32_t queued = 0;
  uint32_t until_look = kLookEntries;
  const auto outside = [&](auto call) {
    top_ = static_cast<size_t>(top - storage_.data());
    call();
    bottom = storage_.data() + bottom_;
    top = storage_.data() + top_;
    limit = storage_.data() + storage_.size();
  };
  const auto trace_slots = [&](WordIndex object, uint64_t first, uint64_t last) {
    if (top + (last - first) >= limit) outside([&] { Reserve(last - first + 1); });
    const uint32_t* const slots = reinterpret_cast<const uint32_t*>(words + object);
    for (uint64_t slot = first; slot < last; ++slot) {
      const WordIndex reference(__atomic_load_n(&slots[slot], __ATOMIC_RELAXED));
      FAULTLINE_CHECK(RegionOf(reference) < regions && (reference >= kPageWords || reference == 0),
                      "a reference lies inside the heap (owner, reference)", object, reference);
      // Not a branch: which slots are empty cannot be predicted.
      *top = EntryOf(reference, kFound);
      top += reference != 0 ? 1 : 0;
    }
  };
  bool in_time = true;
  while (in_time) {
    MarkEntry entry = queue[at];
    if (top != bottom) {
      const MarkEntry next = *--top;
      starts.Prefetch(ObjectOf(next));
      __builtin_prefetch(words + ObjectOf(next));
      queue[at] = next;
      if (entry == 0) ++queued;
    } else {
      queue[at] = 0;
      if (entry != 0) {
        --queued;
      } else if (queued == 0) {
        break;
      }
    }
    at = (at + 1) % kQueueEntries;
    if (entry == 0) continue;
    if (--until_look == 0) {
      until_look = kLookEntries;
      in_time = deadline_ns == Gang::kForever || NowNs() < deadline_ns;
      if (static_cast<size_t>(top - bottom) >= 2 * MarkPool::kChunkEntries && pool_->hungry()) outside([&] { ShareOldest(); });
    }

    const WordIndex object = ObjectOf(entry);
    const uint32_t part = PartOf(entry);
    const RegionIndex region = RegionOf(object);
    if (part == kFound) {
      if (young_from_ != nullptr && PageOf(object) - FirstPageOfRegion(region) >= young_from_[region]) continue;
      if (!starts.TestAndSet(object)) continue;
      if (waiting_->MayHave(object)) outside([&] { TraceEphemeronsOf(object); });
    }
    const Header header = HeaderAt(words, object);
    const uint32_t count = header.count;
    if (header.shape == 0) {
      unfinished_.push_back(object);
      continue;
    }
    FAULTLINE_CHECK(heap_->shapes.IsValid(header.shape), "a reference points at an object with a known shape (reference, shape)", object,
                    header.shape);
    const Shape& shape = shapes[header.shape];
    if (part != kFound && part != kWhole) {
      const uint64_t elements = shape.FirstElementSlot();
      const uint32_t first = (part - 1) * kSliceElements;
      const uint32_t last = count - first > kSliceElements ? first + kSliceElements : count;
      if (shape.is_special != 0) {
        outside(
            [&] { TraceSpecialSlots(object, shape, count, elements + shape.ElementSlots(first), elements + shape.ElementSlots(last)); });
      } else {
        trace_slots(object, elements + first, elements + last);
      }
      continue;
    }
    const uint64_t size = shape.Words(count);
    live_words[region] += static_cast<uint32_t>(size > kRegionWords ? kRegionWords : size);
    marked_words += size;
    ++marked_objects;
    if (shape.has_references == 0) continue;
    FAULTLINE_CHECK(heap_->regions.use(region).kind == RegionKind::kMixed, "(R) no object in a leaf region holds references", object,
                    header.shape);
    const bool in_slices = count > kSliceElements && shape.has_slots_as_elements();
    const uint32_t now = in_slices ? 0 : count;
    ForEachSlotRun(
        shape, now, [&](uint64_t first, uint64_t end) { trace_slots(object, first, end); },
        [&] { outside([&] { TraceSpecialSlots(object, shape, now, 0, ~uint64_t{0}); }); });
    if (!in_slices) continue;
    outside([&] {
      for (uint32_t slice = (count + kSliceElements - 1) / kSliceElements; slice > 0; --slice) Push(EntryOf(object, slice));
    });
  }
  outside([&] {
    for (const MarkEntry entry : queue) {
      if (entry != 0) Push(entry);
    }
  });
  marked_objects_ += marked_objects;
  marked_words_ += marked_words;
  return in_time;
}

// The part of a marked object that lies on words [begin, end).
void Tracer::TraceOnPages(WordIndex object, WordIndex begin, WordIndex end) {
  const Header header = heap_->HeaderOf(object);
  if (header.shape == 0) return;  // A tracer has it among its unfinished objects.
  const Shape& shape = heap_->shapes[header.shape];
  if (shape.has_references == 0) return;
  const uint64_t from = begin > object ? uint64_t{begin - object} * 2 : 0;
  const uint64_t until = uint64_t{end - object} * 2;
  const uint32_t* const slots = heap_->SlotsOf(object);
  const auto trace = [&](uint64_t first, uint64_t last) {
    if (first < from) first = from;
    if (last > until) last = until;
    for (uint64_t slot = first; slot < last; ++slot) FindDelayed(WordIndex(__atomic_load_n(&slots[slot], __ATOMIC_RELAXED)), object);
  };
  ForEachSlotRun(shape, header.count, trace, [&] { TraceSpecialSlots(object, shape, header.count, from, until); });
}

void Tracer::TracePages(PageIndex first, uint32_t count) {
  const Bitmap& starts = heap_->tables.object_starts;
  const WordIndex begin = FirstWordOfPage(first);
  const WordIndex end = FirstWordOfPage(first + count);
  // Region by region: only a large object extends beyond its first region.
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
  FinishDelayed();
}

void Tracer::Suspend() {
  for (size_t at = bottom_; at < top_; at += MarkPool::kChunkEntries) {
    const size_t end = at + MarkPool::kChunkEntries < top_ ? at + MarkPool::kChunkEntries : top_;
    pool_->Give(MarkPool::Chunk(storage_.data() + at, storage_.data() + end));
  }
  bottom_ = top_ = 0;
  pool_->Leave();
}

bool Tracer::Drain(uint64_t deadline_ns) {
  MarkPool::Chunk chunk;
  for (;;) {
    if (!EmptyStack(deadline_ns)) {
      Suspend();
      return false;
    }
    if (!pool_->Await(&chunk, deadline_ns)) return pool_->Idle();
    Take(chunk);
    chunk.clear();
  }
}

void Tracer::GiveUnfinished() {
  if (unfinished_.empty()) return;
  MarkPool::Chunk chunk;
  for (const WordIndex object : unfinished_) {
    FAULTLINE_CHECK(heap_->HeaderOf(object).shape != 0, "a stopped thread has given its objects their headers", object);
    chunk.push_back(EntryOf(object, kWhole));
  }
  unfinished_.clear();
  pool_->Give(std::move(chunk));
}

void Tracer::CountUnfinished() {
  for (const WordIndex object : unfinished_) ++live_words_[RegionOf(object)];
  unfinished_.clear();
}

void Tracer::Publish(uint64_t* marked_objects, uint64_t* marked_words) {
  for (const RegionIndex region : heap_->regions.committed()) {
    heap_->tables.live_word_counts[region] += live_words_[region];
    live_words_[region] = 0;
  }
  *marked_objects += marked_objects_;
  *marked_words += marked_words_;
  marked_objects_ = marked_words_ = 0;
}

}  // namespace faultline
