#include "heap/finalizers.h"

#include <algorithm>

#include "heap/load_barrier.h"
#include "heap/weak_access.h"

namespace faultline {

namespace {

uint32_t* Elements(Heap& heap, WordIndex array) { return heap.MutatorSlotsOf(array) + kHeaderSlots; }

}  // namespace

uint32_t* Finalizers::AliasElements(Heap& heap, WordIndex array) { return heap.SlotsOf(array) + kHeaderSlots; }

std::optional<Finalizers::Entry> Finalizers::TakeFree(double held_value) {
  const LockGuard guard(lock_);
  for (; next_add_ < chunks_.size(); ++next_add_) {
    Chunk& chunk = *chunks_[next_add_];
    uint32_t index;
    if (!chunk.free.empty()) {
      index = chunk.free.back();
      chunk.free.pop_back();
    } else if (chunk.used < kEntries) {
      index = chunk.used++;
    } else {
      continue;
    }
    chunk.held_values[index] = held_value;
    return Entry{&chunk, next_add_, index};
  }
  return std::nullopt;
}

bool Finalizers::Add(Heap& heap, Mutator&, WordIndex object, double held_value) {
  const std::optional<Entry> entry = TakeFree(held_value);
  if (!entry) return false;
  // Without the lock: it may fault.
  Elements(heap, WordIndex(entry->chunk->waiting))[entry->index] = object;
  const LockGuard guard(lock_);
  entry->chunk->states[entry->index] = State::kWaiting;
  waiting_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Finalizers::AddChunk(WordIndex waiting, WordIndex kept) {
  auto chunk = std::make_unique<Chunk>();
  chunk->waiting = waiting;
  chunk->kept = kept;
  const LockGuard guard(lock_);
  chunks_.push_back(std::move(chunk));
}

std::optional<Finalizers::Entry> Finalizers::TakeReady(State then, double* held_value) {
  const LockGuard guard(lock_);
  for (; next_take_ < chunks_.size(); ++next_take_) {
    Chunk& chunk = *chunks_[next_take_];
    if (chunk.ready == 0) continue;
    while (chunk.states[chunk.ready_from] != State::kReady) ++chunk.ready_from;
    const uint32_t index = chunk.ready_from++;
    *held_value = chunk.held_values[index];
    chunk.states[index] = then;
    --chunk.ready;
    ready_.fetch_sub(1, std::memory_order_relaxed);
    return Entry{&chunk, next_take_, index};
  }
  return std::nullopt;
}

bool Finalizers::Take(Heap& heap, Mutator* mutator, double* held_value, WordIndex* object) {
  *object = kNull;
  // The slot is accessed through the mutator view, which a thread without a mutator may not touch.
  const std::optional<Entry> entry = ready() == 0 ? std::nullopt : TakeReady(mutator == nullptr ? State::kTaken : State::kFree, held_value);
  if (!entry || mutator == nullptr) return entry.has_value();
  // Without the lock: it may fault.  No other thread uses the entry until it is in the list.
  uint32_t& slot = Elements(heap, WordIndex(entry->chunk->kept))[entry->index];
  *object = WordIndex(LoadReference(heap, *mutator, &slot));
  if (mutator->control[control::kLogging] != 0) LogReference(heap, *mutator, *object);
  slot = 0;
  const LockGuard guard(lock_);
  entry->chunk->free.push_back(entry->index);
  next_add_ = std::min(next_add_, entry->chunk_index);
  return true;
}

uint32_t Finalizers::PublishDying() {
  const LockGuard guard(lock_);
  uint32_t published = 0;
  next_take_ = 0;
  for (const std::unique_ptr<Chunk>& chunk : chunks_) {
    for (uint32_t i = 0; i < chunk->used; ++i) {
      if (chunk->states[i] != State::kDying) continue;
      chunk->states[i] = State::kReady;
      chunk->ready_from = i < chunk->ready_from ? i : chunk->ready_from;
      ++chunk->ready;
      ++published;
    }
  }
  waiting_.fetch_sub(published, std::memory_order_relaxed);
  ready_.fetch_add(published, std::memory_order_relaxed);
  return published;
}

uint32_t Finalizers::chunk_count() {
  const LockGuard guard(lock_);
  return static_cast<uint32_t>(chunks_.size());
}

}  // namespace faultline
