#include "heap/finalizers.h"

#include "heap/load_barrier.h"
#include "heap/weak_access.h"

namespace faultline {

namespace {

uint32_t* Elements(Heap& heap, WordIndex array) {
  return reinterpret_cast<uint32_t*>(heap.views.mutator_view()) + uint64_t{array} * 2 + kHeaderSlots;
}

}  // namespace

uint32_t* Finalizers::AliasSlots(Heap& heap) { return heap.slots(); }

bool Finalizers::Add(Heap& heap, Mutator&, WordIndex object, double token) {
  const std::lock_guard<std::mutex> guard(lock_);
  for (; next_add_ < chunks_.size(); ++next_add_) {
    Chunk& chunk = *chunks_[next_add_];
    uint32_t entry;
    if (!chunk.free.empty()) {
      entry = chunk.free.back();
      chunk.free.pop_back();
    } else if (chunk.used < kEntries) {
      entry = chunk.used++;
    } else {
      continue;
    }
    Elements(heap, chunk.waiting)[entry] = object;
    chunk.tokens[entry] = token;
    chunk.states[entry] = State::kWaiting;
    waiting_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

void Finalizers::AddChunk(WordIndex waiting, WordIndex kept) {
  auto chunk = std::make_unique<Chunk>();
  chunk->waiting = waiting;
  chunk->kept = kept;
  const std::lock_guard<std::mutex> guard(lock_);
  chunks_.push_back(std::move(chunk));
}

bool Finalizers::Take(Heap& heap, Mutator* mutator, double* token, WordIndex* object) {
  if (ready() == 0) return false;
  const std::lock_guard<std::mutex> guard(lock_);
  for (; next_take_ < chunks_.size(); ++next_take_) {
    Chunk& chunk = *chunks_[next_take_];
    if (chunk.ready == 0) continue;
    while (chunk.states[chunk.ready_from] != State::kReady) ++chunk.ready_from;
    const uint32_t entry = chunk.ready_from++;
    *token = chunk.tokens[entry];
    *object = 0;
    if (mutator == nullptr) {
      // The slot is the mutator view's, which this thread may not touch.
      chunk.states[entry] = State::kTaken;
    } else {
      uint32_t& slot = Elements(heap, chunk.kept)[entry];
      *object = LoadReference(heap, *mutator, &slot);
      if (mutator->control[control::kLogging] != 0) LogReference(heap, *mutator, *object);
      slot = 0;
      chunk.states[entry] = State::kFree;
      chunk.free.push_back(entry);
      if (next_take_ < next_add_) next_add_ = next_take_;
    }
    --chunk.ready;
    ready_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

uint32_t Finalizers::PublishDying() {
  const std::lock_guard<std::mutex> guard(lock_);
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
  const std::lock_guard<std::mutex> guard(lock_);
  return static_cast<uint32_t>(chunks_.size());
}

}  // namespace faultline
