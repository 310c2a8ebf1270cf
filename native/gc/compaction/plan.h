// Plan: decides where every live object of the chosen regions goes, before anything moves.
//
//   provide   (serial, per source)     memory for what the next steps write about it (heap/side_tables.h)
//   account   (parallel over sources)  live-word bits from object starts and headers; live words before each block
//   assign    (serial, per source)     destinations in order; where a source runs over the end of a target, the first
//                                      object that no longer fits becomes the split, so no object straddles two targets.  Leaf
//                                      regions come last and begin another target, one reserved for leaves if there is one;
//                                      where none is left their objects join the others
//   record    (parallel over sources)  block offsets become absolute; each target page learns its first source object;
//                                      each source learns how many target pages read it
//   commit                             the targets' pages get their memory now, so that building them cannot fail (or, for the modes that
//                                      copy, lose it, so that they are holes)
//
// Which regions to evacuate is policy and comes from TypeScript.  If the sources do not fit the targets, the last ones are dropped.  After
// Make returns, the address function (forwarding.h) is frozen until the cycle finishes (invariant P).
#pragma once

#include <atomic>
#include <vector>

#include "gc/gang.h"
#include "heap/heap.h"

namespace faultline {

class Plan {
 public:
  // What the targets' pages are before they are built: populated, so that building them cannot fail, or holes that a copy fills.
  enum class Targets { kCommitted, kHoles };

  explicit Plan(Heap* heap, Targets targets = Targets::kCommitted) : heap_(heap), targets_are_(targets) {}

  // `sources` are live regions in evacuation order, which is kept within each kind.  Runs to its end, concurrently with mutators.  Returns
  // the number of sources in the plan; 0 means that nothing will move.  (B) If one of `later` is left out, there may be another wave.
  uint32_t Make(Gang& gang, const std::vector<RegionIndex>& sources, uint32_t wanted_targets, const std::vector<RegionIndex>& later = {});

  // Undoes a plan that will not be carried out.
  void Cancel();

  // After the cycle: targets become live regions, and the address function is the identity again.
  void Seal();

  const std::vector<RegionIndex>& sources() const { return sources_; }
  const std::vector<RegionIndex>& targets() const { return targets_; }
  uint32_t UsedPagesOfTarget(RegionIndex target) const;
  uint64_t live_words() const { return live_words_; }

 private:
  class AccountJob;
  class RecordJob;

  // Reserves free regions for both kinds of sources; false if there are none.
  bool Reserve(const std::vector<RegionIndex>& sources, uint32_t wanted);
  void AccountSource(RegionIndex source);
  void RecordSource(RegionIndex source);
  // Number of sources that fit.
  size_t Assign();
  WordIndex FindSplit(RegionIndex source, uint32_t room_words) const;
  size_t CommitTargets();

  Heap* heap_;
  const Targets targets_are_;
  std::vector<RegionIndex> sources_;
  std::vector<RegionIndex> targets_;
  size_t first_for_leaves_ = 0;   // From here on targets were reserved for leaves.
  size_t first_leaf_source_ = 0;  // From here on sources are leaf regions …
  size_t first_leaf_target_ = 0;  // … and targets get nothing but leaves.
  uint64_t live_words_ = 0;
};

}  // namespace faultline
