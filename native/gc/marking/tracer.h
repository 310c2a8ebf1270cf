// Marking: the tracing loop, and the pool through which tracers share their work.  Every marker is made of these.
//
// Workers keep private stacks and trade chunks of entries through a shared pool when somebody is short of work (work packets: Ossia et
// al., "A parallel, incremental and concurrent GC for servers", PLDI 2002).  An entry is a reference that was found, or a marked object
// with what to trace of it above: an array of references is traced slice by slice, so that one huge array can be shared and never
// floods a stack.
//
// Tracing reads through the alias what mutators write through their view at the same time.  Slots and headers are read with one
// relaxed load each.  A header is written count first, then shape: on machines with total store order whoever finds a shape that is not
// 0 finds the count, and whoever finds a reference to an object finds its shape.  An object without one is left for the pause.
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

// Entries that anybody may take.  The lock is taken once for a chunk of several hundred objects.
class MarkPool {
 public:
  static constexpr size_t kChunkEntries = 512;
  using Chunk = std::vector<MarkEntry>;

  // A tracer is busy from Join until Leave, or until Await has nothing for it: nobody else adds work.
  void Join();
  void Leave();
  void Give(Chunk chunk);
  // Work, if there is any (true), or waits for some while others are busy.  False when all is done or the time is over; the caller is not
  // busy any more then.
  bool Await(Chunk* chunk, uint64_t deadline_ns);
  // Nobody is busy and nothing is left.
  bool Idle() const;
  bool hungry() const { return waiting_.load(std::memory_order_relaxed) > 0 && size_.load(std::memory_order_relaxed) == 0; }

 private:
  bool TryTake(Chunk* chunk);  // Lock held.

  mutable Lock lock_;
  std::vector<Chunk> chunks_;
  uint32_t busy_ = 0;
  // Relaxed copies, written under the lock: hints for those who do not want to take it.
  std::atomic<uint32_t> size_{0};
  std::atomic<uint32_t> busy_hint_{0};
  std::atomic<uint32_t> waiting_{0};
};

// One thread's tracing state.
//
// What was found waits on a stack, unmarked.  On its way from there to the loop it passes a short queue, in which its mark bits and its
// header are being fetched (Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection", ASPLOS 2004).
class Tracer {
 public:
  // `young_from`: per region, the first page that the marking does not decide on; null when it decides on all.
  Tracer(Heap* heap, MarkPool* pool, EphemeronTable* waiting, const uint16_t* young_from);

  // Remembers to mark what the root leads to, and to look into it.
  void AddRoot(WordIndex reference) { Find(reference, kNull); }

  // Looks again into the marked objects that lie on the pages, as far as they lie there.
  void TracePages(PageIndex first, uint32_t count);

  // Traces until neither this thread nor the pool has anything left (true), or the time is over; what is left is in the pool then.  The
  // caller has joined the pool; it has left it when this returns.
  bool Drain(uint64_t deadline_ns);

  // Gives the pool the objects that had no header yet when they were found.  They have one now: the world is stopped.
  void GiveUnfinished();
  // Forgets them, but for their mark bits, which are counted.
  void CountUnfinished();
  bool has_unfinished() const { return !unfinished_.empty(); }

  // Weak slots come upon (gc/marking/tracer_special_slots.cc).  Nobody traces while they are taken.
  WeakFinds& weak_finds() { return weak_finds_; }

  // Adds this tracer's counts to the heap's tables and forgets them.  One tracer at a time.
  void Publish(uint64_t* marked_objects, uint64_t* marked_words);

 private:
  void CheckReference(WordIndex reference, WordIndex owner) const;
  void PushUnmarked(WordIndex reference);
  void Find(WordIndex reference, WordIndex owner);
  // The same once its mark bit has been fetched: as soon as kDelayedFinds others have been found later, or the page is done.
  void FindDelayed(WordIndex reference, WordIndex owner);
  void FinishDelayed();
  void TraceOnPages(WordIndex object, WordIndex begin, WordIndex end);
  // The same for the slots of a special shape that are not simply references, as far as they lie in u32 slots [from, until).
  void TraceSpecialSlots(WordIndex object, const Shape& shape, uint32_t count, uint64_t from, uint64_t until);
  // The value of an ephemeron whose key is marked is marked; one whose key is not waits for that.
  void TraceEphemeron(Ephemeron ephemeron);
  // Those that wait for the object, which has just been marked.
  void TraceEphemeronsOf(WordIndex key);
  bool IsMarked(WordIndex reference) const;
  // Traces what is on the stack until that is empty (true) or the time is over; the queue is empty then.
  bool EmptyStack(uint64_t deadline_ns);
  // Room for `count` more entries.
  void Reserve(size_t count);
  void Push(MarkEntry entry);
  void Take(const MarkPool::Chunk& chunk);
  // Somebody is short of work: the oldest entries, they tend to lead to the largest subgraphs.
  void ShareOldest();
  // Gives everything to the pool and leaves it.
  void Suspend();

  static constexpr uint32_t kQueueEntries = 8;
  static constexpr uint32_t kDelayedFinds = 16;
  static constexpr uint32_t kSliceElements = 4096;
  // Entries between two looks at the clock and at who is short of work.
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
