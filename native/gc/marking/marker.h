// Marker: finds what is alive.  The interface of every marker, and how a marking goes.
//
//     Prepare ─▶ TakeRoots ─▶ Trace ─▶ ( TakeRoots ─▶ Trace )… ─▶ Finish ─▶ Release
//     concurrent   pause      concurrent     rounds                pause    concurrent
//
//   marker        between start and Finish                      what makes it right
//   stopped       nothing                                       everything is traced in Finish
//   barrier-free  traces; rounds look again at written pages    the kernel's dirty bits (gc/marking/dirty_pages.h)
//   satb          traces what was reachable at the start        a write barrier that logs what is overwritten
//
// What a marker leaves behind when Finish returns (invariant M): every reachable object that lies on pages which the marking decides on
// has its bit in `object_starts`, and `live_word_counts` says how many words of each region belong to objects with a bit.  A concurrent
// marker may also have marked objects that died meanwhile; what they refer to is marked as well.
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
  // Nothing is marked any more; gives back what Open took.
  virtual void Close() {}
  // Whether TakeRoots and Trace do anything.
  virtual bool concurrent() const { return true; }
  // Whether Release leaves pages behind that fault once more when they are written, unless the view gets other page tables.
  virtual bool leaves_view_read_only() const { return false; }
  // Whether another TakeRoots and Trace leave less to do for Finish.
  virtual bool has_rounds() const { return false; }
  // Whether what is decided on is what there is at the first TakeRoots; younger objects count as alive.  Otherwise it is what there is
  // at Finish.
  virtual bool decides_at_start() const { return false; }

  // Before the first pause, mutators run.  True when ready for it, false when the time is over.
  virtual bool Prepare(Gang& gang, uint64_t deadline_ns) = 0;
  // The world is stopped, TLABs are retired if the marker decides at the start.
  virtual void TakeRoots() {}
  // Concurrent.  True when nothing is left to trace that is known of.
  virtual bool Trace(Gang&, uint64_t /*deadline_ns*/) { return true; }
  // Pages that the round so far, or the last one, looked at because they were written.
  virtual uint64_t written_pages() const { return 0; }
  // The world is stopped for Finish, which comes next.  False when more pages were written than that should look at in the pause: another
  // round was begun instead, and Trace comes next.
  virtual bool BeginFinishOrRound(Gang&, uint64_t /*most_written_pages*/) { return true; }
  // The world is stopped, TLABs are retired.
  virtual void Finish(Gang& gang) = 0;
  // Concurrent: gives up what marking needed.  Also ends a marking that stops before Finish.  True when done, and when there is nothing
  // to give up.
  virtual bool Release(Gang&, uint64_t /*deadline_ns*/) { return true; }

  // A page was written through the alias, which no mutator does.  Any thread.
  virtual void NoteAliasWrite(PageIndex /*first*/, uint32_t /*count*/) {}
  // The log of the mutator's write barrier is full, or the mutator ends.  Called by the mutator, or with the world stopped.
  virtual void TakeLog(Mutator&) {}

  // What the marking is made of; after Finish gc/marking/weak_phase.h goes on with it.
  virtual Tracing& tracing() = 0;
  virtual uint64_t marked_objects() const = 0;
  virtual uint64_t live_words() const = 0;
};

std::unique_ptr<Marker> MakeMarker(MarkerKind kind, Heap* heap);

}  // namespace faultline
