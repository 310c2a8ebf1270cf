// Marking: the tracing loop, and the pool through which tracers share their work.  All markers use these.
//
// Workers keep private stacks and trade chunks of entries through a shared pool when one of them is short of work (work packets: Ossia et
// al., "A parallel, incremental and concurrent GC for servers", PLDI 2002).  An entry is a reference that was found, or a marked object
// with the part of it to trace in the upper half: an array of references is traced slice by slice, so that one huge array can be shared and
// never floods a stack.
//
// Tracing reads through the alias what mutators write through their view at the same time.  Slots and headers are read with one relaxed
// load each.  A header is written count first, then shape: on machines with total store order a thread that reads a nonzero shape also
// reads the count, and a thread that reads a reference to an object also reads its shape.  An object without a shape is left for the pause.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "gc/marking/ephemeron_table.h"
#include "gc/marking/weak_finds.h"
#include "heap/heap.h"
#include "os/lock.h"

namespace faultline {

using MarkEntry = uint64_t;

// Entries that any tracer may take.  The lock is taken once for a chunk of several hundred objects.
class MarkPool {
 public:
  static constexpr size_t kChunkEntries = 512;
  using Chunk = std::vector<MarkEntry>;

  // A tracer is busy from Join until Leave, or until Await has nothing for it.  Only busy tracers add work.
  void Join();
  void Leave();
  void Give(Chunk chunk);
  // Takes work (true), waiting for some while other tracers are busy.  False when everything is done or the time is over; then the caller
  // is no longer busy.
  bool Await(Chunk* chunk, uint64_t deadline_ns);
  // No tracer is busy and nothing is left.
  bool Idle() const;
  bool hungry() const { return waiting_.load(std::memory_order_relaxed) > 0 && size_.load(std::memory_order_relaxed) == 0; }

 private:
  bool TryTake(Chunk* chunk);  // Lock held.

  mutable Lock lock_;
  std::vector<Chunk> chunks_;
  uint32_t busy_ = 0;
  // Relaxed copies, written under the lock: hints for readers that do not take it.
  std::atomic<uint32_t> size_{0};
  std::atomic<uint32_t> busy_hint_{0};
  std::atomic<uint32_t> waiting_{0};
};

// One thread's tracing state.
//
// References that were found wait on a stack, unmarked.  Between the stack and the loop they pass through a short queue while their mark
// bits and headers are prefetched (Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection", ASPLOS 2004).
class Tracer {
 public:
  // `young_from`: per region, the first page that the marking does not decide on; null if it decides on all pages.
  Tracer(Heap* heap, MarkPool* pool, EphemeronTable* waiting, const uint16_t* young_from);

  // Queues the root's referent to be marked and traced.
  void AddRoot(WordIndex reference) { Find(reference, kNull); }

  // Traces again those parts of marked objects that lie on the pages.
  void TracePages(PageIndex first, uint32_t count);

  // Traces until neither this thread nor the pool has anything left (true) or the time is over (false); what is left is then in the pool.
  // The caller has joined the pool; it has left it when this returns.
  bool Drain(uint64_t deadline_ns);

  // Gives the pool the objects that had no header yet when they were found.  They have one now: the world is stopped.
  void GiveUnfinished();
  // Forgets them, but counts their mark bits.
  void CountUnfinished();
  bool has_unfinished() const { return !unfinished_.empty(); }

  // Weak slots that were found (gc/marking/tracer_special_slots.cc).  No thread traces while they are taken.
  WeakFinds& weak_finds() { return weak_finds_; }

  // Adds this tracer's counts to the heap's tables and forgets them.  One tracer at a time.
  void Publish(uint64_t* marked_objects, uint64_t* marked_words);

 private:
  void CheckReference(WordIndex reference, WordIndex owner) const;
  void PushUnmarked(WordIndex reference);
  void Find(WordIndex reference, WordIndex owner);
  // The same once its mark bit has been prefetched: after kDelayedFinds more references were found, or at the end of the pages.
  void FindDelayed(WordIndex reference, WordIndex owner);
  void FinishDelayed();
  void TraceOnPages(WordIndex object, WordIndex begin, WordIndex end);
  // The same for those slots of a special shape in u32 slots [from, until) that are not simply references.
  void TraceSpecialSlots(WordIndex object, const Shape& shape, uint32_t count, uint64_t from, uint64_t until);
  // Marks the value if the key is marked; otherwise the ephemeron waits for its key.
  void TraceEphemeron(Ephemeron ephemeron);
  // The ephemerons that wait for the object, which has just been marked.
  void TraceEphemeronsOf(WordIndex key);
  bool IsMarked(WordIndex reference) const;
  // Traces until the stack is empty (true) or the time is over (false); the queue is empty afterwards.
  bool EmptyStack(uint64_t deadline_ns);
  // Room for `count` more entries.
  void Reserve(size_t count);
  void Push(MarkEntry entry);
  void Take(const MarkPool::Chunk& chunk);
  // Another tracer is short of work: gives the oldest entries, which tend to lead to the largest subgraphs.
  void ShareOldest();
  // Gives all entries to the pool and leaves it.
  void Suspend();

  static constexpr uint32_t kQueueEntries = 8;
  static constexpr uint32_t kDelayedFinds = 16;
  static constexpr uint32_t kSliceElements = 4096;
  // Entries between two checks of the clock and of whether a tracer is short of work.
  static constexpr uint32_t kLookEntries = 256;

  Heap* heap_;
  MarkPool* pool_;
  EphemeronTable* waiting_;
  const uint16_t* young_from_;
  // The stack is storage_[bottom_] to storage_[top_ - 1].
  std::vector<MarkEntry> storage_;
  size_t bottom_ = 0;
  size_t top_ = 0;
  WordIndex delayed_[kDelayedFinds] = {};
  uint32_t next_delayed_ = 0;
  std::vector<WordIndex> unfinished_;
  WeakFinds weak_finds_;
  std::vector<Ephemeron> ephemerons_;  // Of one key.
  std::vector<uint32_t> live_words_;
  uint64_t marked_objects_ = 0;
  uint64_t marked_words_ = 0;
};

}  // namespace faultline
