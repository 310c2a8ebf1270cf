// Allocation: the slow path.  The fast path bumps the TLAB's top in the mutator's control block and lives in
// src/heap/allocation.ts (JavaScript) or in the embedder's code (native).
//
// Pages come zeroed and already in the page table of the mutator view, so the fast path neither calls nor faults.  Every run of pages
// handed out records where it starts and, when it is retired, where its objects end.  So the run can be parsed object by object, which is
// how objects younger than the last marking are found (black allocation).
#pragma once

#include "heap/heap.h"
#include "heap/mutator.h"

namespace faultline {

enum class AllocationAnswer {
  kRefilled,  // The TLAB of that kind has room for the request; take it from there.
  kObject,    // Memory for this one object, outside the TLAB.
  kCollect,   // No region may be taken: collect, or wait for the running collection.
  kNoMemory,  // The system refused pages; `error` has the reason.
  kLarge,     // Above kLargeObjectWords: use the functions for large objects.
};

struct Allocation {
  AllocationAnswer answer;
  WordIndex object{0};
  SysError error;
};

// The caller is a running mutator.  This is no safepoint, unless the caller parks on kCollect.
Allocation AllocateSlow(Heap& heap, Mutator& mutator, uint64_t words, RegionKind kind);

// Memory for a small object that never moves (heap/pins.h): pages of its own in a region that it shares with others of that sort.  The
// caller is a running mutator; the shape is a leaf.
Allocation AllocatePinnable(Heap& heap, Mutator& mutator, uint64_t words);

// What a wait for an object of `words` words reserves.  `stays`: it is pinnable or large, and open pages are of no use to it.
MemoryQueue::Need NeedOf(const Heap& heap, uint64_t words, bool stays);

// Ends the TLABs: no object is added at their tops any more.  The caller is the mutator, or the world is stopped.
void RetireTlabs(Heap& heap, Mutator& mutator);

// Makes zeroed memory an object.  In JavaScript this is two stores.
void WriteHeader(Heap& heap, WordIndex object, ShapeId shape, uint32_t count);

// Large objects, in three steps, because zeroing takes long and must not hold up a stop:
//   begin (running), zero piece by piece (with safepoints in between), commit (running, then write the header before the next safepoint).
// An object that is not committed is abandoned: by the caller, by the mutator's next BeginLarge, or when the mutator ends (DetachMutator).
Allocation BeginLarge(Heap& heap, Mutator& mutator, uint64_t words, RegionKind kind);
// Zeroes the next piece from `done_words` on; returns the new done_words.
Result<uint64_t> ZeroLargePiece(Heap& heap, Mutator& mutator, uint64_t words, uint64_t done_words);
void CommitLarge(Heap& heap, Mutator& mutator, uint64_t words);
void AbandonLarge(Heap& heap, Mutator& mutator);

}  // namespace faultline
