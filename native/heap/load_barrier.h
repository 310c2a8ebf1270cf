// Load barrier: the software read barrier of the fault mode load-barrier, for research.  In this mode the mutator view is never taken away;
// after the flip, slots still hold old addresses until a mutator loads from them or the collector comes to their page (Baker, "List
// processing in real time on a serial computer", CACM 1978; self-healing as in Tene et al., "C4", ISMM 2011).
//
//   load, inlined:  value of the slot ──▶ is a compaction under way?  ──no──▶ value
//                                      ──▶ is its region unsettled?   ──no──▶ value
//                                      ──▶ Settle: new address, all pages of the object built, slot healed by CAS
//
// Invariants, while a compaction is under way (`control[kLoadBarrier]` is 1; it changes only while the world is stopped):
//
//   (L1) A mutator only ever holds new addresses of objects whose pages are all built.  At the flip, roots are rewritten and the objects
//        they refer to are built; afterwards a mutator gets references from loads through the barrier and from allocation.
//   (L2) A slot changes from old to new once: mutators store only new addresses (L1), and the collector and the barrier replace an old
//        address by CAS, so they never overwrite a store.  Sources are never written.
//   (L3) The table below tells old addresses from new ones: no source is handed out again before the phase is over.
//   (L4) The phase ends in a pause after every page is built: then no slot holds an old address, and no thread is between loading one and
//        testing whether its region is unsettled.
//
//   table `unsettled`  a byte a region      1 from the flip: sources, until the end; targets, until their last page is built
//   set                collector            while mutators are stopped           partner: their unpark
//   clear, a target    its last builder     store release, after the last page   the acquire load below
//
// JavaScript makes the same tests with plain loads (src/heap/load-barrier-mutator.ts), which is enough where loads stay in order (x86).
#pragma once

#include "heap/heap.h"
#include "heap/mutator.h"

namespace faultline {

// The reference (or null, or small integer) in a strong slot of the mutator view.  The caller is the running mutator.  Two loads and two
// branches when there is nothing to do; not a safepoint.
inline uint32_t LoadReference(Heap& heap, Mutator& mutator, uint32_t* slot) {
  const uint32_t value = __atomic_load_n(slot, __ATOMIC_RELAXED);
  if (__builtin_expect(mutator.control[control::kLoadBarrier] == 0, 1) || !IsReference(value)) return value;
  if (__atomic_load_n(&heap.unsettled[RegionOf(WordIndex(value))], __ATOMIC_ACQUIRE) == 0) return value;
  return heap.references->Settle(mutator, slot, value);
}

}  // namespace faultline
