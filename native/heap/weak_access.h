// Weak access: how a mutator reads a slot that holds its object weakly.
//
//   control[kWeakAccess]   while                                   a read
//   0  open                nothing is marked, or the marker needs  is a plain load
//                          nothing
//   1  logged              the marker satb traces                  is logged: the reference was not overwritten, but the marker
//                                                                  will not see where the reader stores it
//   2  guarded             dead objects' slots are being cleared   tests whether marking found the object alive
//
// Invariant W.  From the end of the remark pause on, no mutator gets an object that marking did not find alive; and before anything is
// swept, moved or resurrected, no weak slot refers to such an object.
//
//   operation        who         order                          partner
//   to 1, to 2       collector   while mutators are stopped     their unpark
//   2 to 0           collector   seq_cst, after the last slot   the seq_cst load below: a thread that reads 0 sees the slot cleared
//   clear a slot     collector   CAS release, through A         the acquire load of the slot
//
// A read that began guarded may be late: while its thread sleeps between the load and the test, the collector may clear, sweep, and even
// prepare the next marking.  So the result of the test counts only if the access is still guarded after it; 2 is never entered while the
// reader runs.
#pragma once

#include "heap/heap.h"
#include "heap/mutator.h"
#include "os/delays.h"

namespace faultline {

enum class WeakAccess : uint32_t { kOpen, kLogged, kGuarded };

// Whether the last marking found the object alive.  From the end of the remark pause until the sweep.
inline bool FoundAlive(const Heap& heap, WordIndex object) {
  const RegionIndex region = RegionOf(object);
  // Both loads acquire: ReadWeak reads the access after them.
  const uint64_t cell = __atomic_load_n(&heap.tables.object_starts.data()[object >> 6], __ATOMIC_ACQUIRE);
  if ((cell >> (object & 63) & 1) != 0) return true;
  // Younger than the marking.
  return PageOf(object) - FirstPageOfRegion(region) >= __atomic_load_n(&heap.tables.marked_pages[region], __ATOMIC_ACQUIRE);
}

// Puts a reference into the log of the mutator's write barrier.  The caller is the mutator.
inline void LogReference(Heap& heap, Mutator& mutator, uint32_t reference) {
  if (reference == 0 || IsSmallInteger(reference)) return;
  uint32_t& used = mutator.control[control::kLogUsed];
  if (used >= kLogEntries) heap.collector_hooks->TakeLog(mutator);
  mutator.log()[used++] = reference;
}

// The object that a weak slot of the mutator view refers to, or 0.  The caller is the running mutator.
inline WordIndex ReadWeak(Heap& heap, Mutator& mutator, const uint32_t* slot) {
  const auto access = static_cast<WeakAccess>(__atomic_load_n(&mutator.control[control::kWeakAccess], __ATOMIC_RELAXED));
  if (access == WeakAccess::kGuarded) DelayAt(DelayPoint::kReadingWeak);
  const WordIndex object(__atomic_load_n(slot, __ATOMIC_ACQUIRE));
  // A weak slot that is read as an element may hold a small integer: then there is nothing to test.
  if (access == WeakAccess::kOpen || !IsReference(object)) return object;
  if (access == WeakAccess::kLogged) {
    LogReference(heap, mutator, object);
    return object;
  }
  DelayAt(DelayPoint::kWeakRead);
  const bool alive = FoundAlive(heap, object);
  if (static_cast<WeakAccess>(heap.handshake.weak_access()) == WeakAccess::kGuarded) return alive ? object : kNull;
  return WordIndex(__atomic_load_n(slot, __ATOMIC_ACQUIRE));
}

}  // namespace faultline
