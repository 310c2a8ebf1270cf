// Weak phase: what happens to weak slots, ephemerons and finalizers between the remark pause and the sweep.
//
//   in the remark pause   Begin      the tracers' finds are taken over; if there are any, weak reads are guarded from here on
//                                    (heap/weak_access.h), and mutators resume
//   concurrent            clearing   weak slots and ephemerons whose objects and keys were not found alive are cleared, through A.
//                                    Then weak reads are ordinary again
//                         finding    finalizable objects that were not found alive go to the `kept` arrays (heap/finalizers.h)
//                         raising    they and everything that they lead to are marked: resurrected
//                         clearing   weak slots and ephemerons found while raising are cleared if their objects and keys stay dead
//                         done       the finalizers are ready to be taken
//
// Order.  Weakness is decided once, by what marking found: an object that only a finalizer resurrects is gone from every weak slot and
// every table that a mutator can reach before its held value is delivered.  (This is Java's order.  Whippet and .NET decide tables after
// resurrection; then nothing could be cleared before everything has been traced, and reads would be guarded all that time.)
//
// Why raising may be concurrent without any barrier.  The objects that it marks were not reachable at the end of the remark, so no mutator
// can read or write them: weak slots that refer to them read as null, and the finalizer entries that do are not ready yet.  A graph that no
// mutator can change needs no rescan.
//
// The remark pause pays for the ephemerons whose keys are marked in it.  Ephemerons with dead keys, weak slots and finalizers cost it
// nothing.
#pragma once

#include <memory>
#include <vector>

#include "gc/gang.h"
#include "gc/marking/marker.h"
#include "gc/marking/weak_finds.h"
#include "heap/heap.h"

namespace faultline {

struct WeakReport {
  uint64_t cleared_slots = 0;
  uint64_t cleared_ephemerons = 0;
  uint64_t finalizable = 0;  // Finalizers that became ready.
  uint64_t resurrected_objects = 0;
};

class WeakPhase {
 public:
  WeakPhase(Heap* heap, Marker* marker);
  ~WeakPhase();

  // The world is stopped and marking has finished.
  void Begin();
  // Concurrent, in slices; true when it is over.
  bool Run(Gang& gang, uint64_t deadline_ns);
  bool over() const { return step_ == Step::kOver; }
  const WeakReport& report() const { return report_; }

 private:
  class ClearJob;
  enum class Step { kOver, kClearing, kFinding, kRaising, kClearingRaised };

  bool Clear(Gang& gang, uint64_t deadline_ns);
  bool FindDead(uint64_t deadline_ns);

  Heap* heap_;
  Marker* marker_;
  Step step_ = Step::kOver;
  AllWeakFinds finds_;
  std::unique_ptr<ClearJob> clear_job_;
  uint32_t next_chunk_ = 0;
  std::vector<WordIndex> dead_;
  WeakReport report_;
};

}  // namespace faultline
