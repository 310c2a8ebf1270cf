// Marker: finds what is alive.  The interface of all markers, and the order of its calls.
//
//     Prepare ─▶ TakeRoots ─▶ Trace ─▶ ( TakeRoots ─▶ Trace )… ─▶ Finish ─▶ Release
//     concurrent   pause      concurrent     rounds                pause    concurrent
//
//   marker        between start and Finish                      why it is correct
//   stopped       nothing                                       everything is traced in Finish
//   barrier-free  traces; rounds rescan written pages           the kernel's dirty bits (gc/marking/dirty_pages.h)
//   satb          traces what was reachable at the start        a write barrier that logs what is overwritten
//
// When Finish returns (invariant M), every reachable object on the pages that the marking decides on has its bit in `object_starts`, and
// `live_word_counts` says how many words of each region belong to objects with a bit.  A concurrent marker may also have marked objects
// that died meanwhile (floating garbage); what they refer to is marked as well.
#pragma once

#include <cstdint>
#include <memory>

#include "gc/gang.h"
#include "heap/heap.h"

namespace faultline {

enum class MarkerKind : uint8_t { kBarrierFree, kSatb, kStopped };
const char* NameOf(MarkerKind kind);

class Tracing;

class Marker {
 public:
  virtual ~Marker() = default;

  virtual MarkerKind kind() const = 0;
  // On failure the marker cannot be used on this machine.
  virtual Status Open() { return {}; }
  // No marking runs any more; gives back what Open took.
  virtual void Close() {}
  // Whether TakeRoots and Trace do anything.
  virtual bool concurrent() const { return true; }
  // Whether Release leaves pages that fault once more on the first write, unless the view gets other page tables.
  virtual bool leaves_view_read_only() const { return false; }
  // Whether another TakeRoots and Trace leave less for Finish to do.
  virtual bool has_rounds() const { return false; }
  // Whether the marking decides on the objects that exist at the first TakeRoots, so that younger ones count as alive.  Otherwise it
  // decides on those that exist at Finish.
  virtual bool decides_at_start() const { return false; }

  // Before the first pause, while mutators run.  True when ready for the pause, false when the time is over.
  virtual bool Prepare(Gang& gang, uint64_t deadline_ns) = 0;
  // The world is stopped, TLABs are retired if the marker decides at the start.
  virtual void TakeRoots(Gang&) {}
  // Concurrent.  True when nothing that is known of is left to trace.
  virtual bool Trace(Gang&, uint64_t /*deadline_ns*/) { return true; }
  // Pages that the current or last round rescanned because they were written.
  virtual uint64_t written_pages() const { return 0; }
  // The world is stopped for Finish, which comes next.  False when more pages were written than Finish should rescan in the pause: another
  // round was begun instead, and Trace comes next.
  virtual bool BeginFinishOrRound(Gang&, uint64_t /*most_written_pages*/) { return true; }
  // The world is stopped, TLABs are retired.
  virtual void Finish(Gang& gang) = 0;
  // Concurrent: releases what marking needed.  Also ends a marking that stops before Finish.  True when done, or when there is nothing to
  // release.
  virtual bool Release(Gang&, uint64_t /*deadline_ns*/) { return true; }

  // Pages were written through the alias, as no mutator does.  Any thread.
  virtual void NoteAliasWrite(PageIndex /*first*/, uint32_t /*count*/) {}
  // The log of the mutator's write barrier is full, or the mutator ends.  Called by the mutator, or with the world stopped.
  virtual void TakeLog(Mutator&) {}

  // The marking's tracing state; gc/marking/weak_phase.h uses it after Finish.
  virtual Tracing& tracing() = 0;
  virtual uint64_t marked_objects() const = 0;
  virtual uint64_t live_words() const = 0;
};

std::unique_ptr<Marker> MakeMarker(MarkerKind kind, Heap* heap);

}  // namespace faultline
