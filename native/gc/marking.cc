#include "gc/marking.h"

#include <sched.h>

#include "os/futex.h"
#include "os/invariant.h"

namespace faultline {

namespace {

MarkEntry EntryOf(WordIndex object, uint32_t slice) { return (uint64_t{slice} << 32) | object; }

}  // namespace

void MarkPool::Give(Chunk chunk) {
  const std::lock_guard<std::mutex> guard(lock_);
  chunks_.push_back(std::move(chunk));
  size_.store(static_cast<uint32_t>(chunks_.size()), std::memory_order_release);
}

bool MarkPool::Take(Chunk* chunk) {
  if (size_.load(std::memory_order_acquire) == 0) return false;
  const std::lock_guard<std::mutex> guard(lock_);
  if (chunks_.empty()) return false;
  *chunk = std::move(chunks_.back());
  chunks_.pop_back();
  size_.store(static_cast<uint32_t>(chunks_.size()), std::memory_order_release);
  return true;
}

bool MarkPool::AwaitWork(Chunk* chunk) {
  waiting_.fetch_add(1, std::memory_order_relaxed);
  // seq_cst: whoever brings the count to 0 with an empty pool is the last, and nobody can add work any more.
  busy_.fetch_sub(1, std::memory_order_seq_cst);
  bool got = false;
  for (uint32_t spin = 0;; ++spin) {
    if (size_.load(std::memory_order_acquire) > 0) {
      busy_.fetch_add(1, std::memory_order_seq_cst);
      if (Take(chunk)) {
        got = true;
        break;
      }
      busy_.fetch_sub(1, std::memory_order_seq_cst);
    }
    if (busy_.load(std::memory_order_seq_cst) == 0 && size_.load(std::memory_order_acquire) == 0) {
      done_.store(true, std::memory_order_release);
      break;
    }
    if (spin < 64) {
      CpuRelax();
    } else {
      sched_yield();
    }
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return got;
}

Tracer::Tracer(Heap* heap, MarkPool* pool) : heap_(heap), pool_(pool), live_words_(heap->regions.count()) {
  stack_.reserve(4096);
}

void Tracer::MarkReference(uint32_t reference, WordIndex slot_owner) {
  if (reference == 0) return;
  FAULTLINE_CHECK(RegionOf(reference) < heap_->regions.count() && reference >= kPageWords,
                  "a reference lies inside the heap (owner, reference)", slot_owner, reference);
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
  for (uint64_t slot = first_slot; slot < last_slot; ++slot) MarkReference(slots[slot], object);
}

void Tracer::TraceObject(WordIndex object) {
  const uint32_t* const slots = heap_->slots() + uint64_t{object} * 2;
  const ShapeId id = slots[0];
  const uint32_t count = slots[1];
  FAULTLINE_CHECK(heap_->shapes.IsValid(id), "a reference points at an object with a known shape (reference, shape)",
                  object, id);
  const Shape& shape = heap_->shapes[id];
  const uint64_t words = shape.Words(count);
  live_words_[RegionOf(object)] += static_cast<uint32_t>(words > kRegionWords ? kRegionWords : words);
  marked_words_ += words;
  ++marked_objects_;
  if (shape.has_references == 0) return;
  TraceSlots(object, kHeaderSlots, kHeaderSlots + shape.reference_fields);
  if (shape.element_kind != ElementKind::kReference) return;
  const uint64_t elements = uint64_t{shape.fixed_words} * 2;
  if (count <= kSliceElements) {
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
  const uint32_t* const slots = heap_->slots() + uint64_t{object} * 2;
  const uint64_t elements = uint64_t{heap_->shapes[slots[0]].fixed_words} * 2;
  const uint64_t first = uint64_t{slice - 1} * kSliceElements;
  const uint64_t last = first + kSliceElements < slots[1] ? first + kSliceElements : slots[1];
  TraceSlots(object, elements + first, elements + last);
}

void Tracer::Drain() {
  MarkPool::Chunk chunk;
  for (;;) {
    while (!stack_.empty()) {
      const MarkEntry entry = stack_.back();
      stack_.pop_back();
      Trace(entry);
    }
    bool flushed = false;
    for (uint32_t i = 0; i < kPrefetchDepth; ++i) {
      const MarkEntry entry = ring_[(ring_at_ + i) % kPrefetchDepth];
      if (entry == 0) continue;
      ring_[(ring_at_ + i) % kPrefetchDepth] = 0;
      stack_.push_back(entry);
      flushed = true;
    }
    if (flushed) continue;
    if (!pool_->Take(&chunk) && !pool_->AwaitWork(&chunk)) return;
    stack_.insert(stack_.end(), chunk.begin(), chunk.end());
    chunk.clear();
  }
}

void Tracer::Publish() {
  for (RegionIndex region = 0; region < live_words_.size(); ++region) {
    heap_->tables.live_word_counts[region] += live_words_[region];
  }
}

}  // namespace faultline
