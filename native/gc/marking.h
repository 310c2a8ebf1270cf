// Marking: the tracing loop, and the pool through which tracers share their work.
//
// An entry is a reference, with a slice number above it: an array of references is traced slice by slice, so that one
// huge array can be shared and never floods a stack.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "heap/heap.h"

namespace faultline {

using MarkEntry = uint64_t;

// Entries that anybody may take.  The lock is taken once for a chunk of several hundred objects.
class MarkPool {
 public:
  static constexpr size_t kChunkEntries = 512;
  using Chunk = std::vector<MarkEntry>;

  void Give(Chunk chunk);
  bool Take(Chunk* chunk);

  // Termination: a tracer without work leaves, and comes back when there is some.  When all have left, all is done.
  void Join() { busy_.fetch_add(1, std::memory_order_seq_cst); }
  void Release() { busy_.fetch_sub(1, std::memory_order_seq_cst); }
  // Waits for work; false when tracing is over.
  bool AwaitWork(Chunk* chunk);
  bool hungry() const { return waiting_.load(std::memory_order_relaxed) > 0 && size_.load(std::memory_order_relaxed) == 0; }
  bool done() const { return done_.load(std::memory_order_acquire); }

 private:
  std::mutex lock_;
  std::vector<Chunk> chunks_;
  std::atomic<uint32_t> size_{0};
  std::atomic<uint32_t> busy_{0};
  std::atomic<uint32_t> waiting_{0};
  std::atomic<bool> done_{false};
};

// One thread's tracing state.
class Tracer {
 public:
  Tracer(Heap* heap, MarkPool* pool);

  // Marks the object and remembers to look into it.  `slot_owner` is for the message when the reference is nonsense.
  void MarkReference(uint32_t reference, WordIndex slot_owner);

  // Traces until neither this thread nor the pool has anything left.
  void Drain();

  // Adds this tracer's counts to the heap's tables.  One tracer at a time.
  void Publish();

  uint64_t marked_objects() const { return marked_objects_; }
  uint64_t marked_words() const { return marked_words_; }

 private:
  void Push(MarkEntry entry);
  void Trace(MarkEntry entry);
  void TraceObject(WordIndex object);
  void TraceSlots(WordIndex object, uint64_t first_slot, uint64_t last_slot);

  static constexpr uint32_t kPrefetchDepth = 8;
  static constexpr uint32_t kSliceElements = 4096;

  Heap* heap_;
  MarkPool* pool_;
  std::vector<MarkEntry> stack_;
  std::vector<uint32_t> live_words_;
  uint64_t marked_objects_ = 0;
  uint64_t marked_words_ = 0;
  // Entries on their way: their headers are being fetched.
  MarkEntry ring_[kPrefetchDepth] = {};
  uint32_t ring_at_ = 0;
};

}  // namespace faultline
