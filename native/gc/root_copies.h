// RootCopies: the copies of the long runs of root slots (gc/root_copy.h), from one pause to the next.
//
//     a pause of marking   Take, for each run     finds its copy; a run that has none, or too short a one, is noted
//                          Update                 the copies hold what the runs hold; what is new in them is to be traced
//     threads run          Provide                makes room for the runs that were noted
//                          Forward                after a plan: what the runs will hold
//     the flip             Rewritable, for each   finds its copy
//                          Rewrite                the runs hold that now, and so do the copies, for another wave
//
// A run that is short, or new, or one too many, or whose owner does not stand still, is visited slot by slot in the pause, which takes
// about 10 ns each.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "gc/gang.h"
#include "gc/root_copy.h"

namespace faultline {

class RootCopies {
 public:
  // Of shorter runs there is no copy.
  static constexpr uint32_t kLeastSlots = 1024;
  // Each takes two mappings.
  static constexpr size_t kMostCopies = 1000;

  explicit RootCopies(const SideTables* tables);
  ~RootCopies();

  // --- Threads run --------------------------------------------------------------------------------------------------------
  // A cycle begins: drops the copies of runs that no pause of the last one has met.
  void BeginCycle();
  // In slices; true when everything that was noted has room.
  bool Provide(uint64_t deadline_ns);
  // In slices; true when it is computed what all copies will hold.  The plan stands.
  bool Forward(Gang& gang, uint64_t deadline_ns);
  bool forwarded() const { return rewrite_job_ != nullptr; }

  // --- In a pause of marking ----------------------------------------------------------------------------------------------
  // Another marking begins: what was copied has not been traced in it.
  void Forget();
  // How many slots of the run, from the first on, Update will look at.
  uint32_t Take(const RootRun& run);
  // To be traced: `changed`, references that have replaced others, and `copied`, the parts of copies that are new.
  void Update(Gang& gang, std::vector<WordIndex>* changed, std::vector<std::span<const uint32_t>>* copied);

  // --- In the flip pause, after Forward; nothing allocates (U) --------------------------------------------------------------
  // How many slots of the run, from the first on, Rewrite will rewrite.
  uint32_t Rewritable(const RootRun& run);
  RootCopy::Rewritten Rewrite(Gang& gang);
  // Checks (D).
  void Check() const;

 private:
  class ForwardJob;
  class UpdateJob;
  class RewriteJob;
  struct Entry {
    RootCopy copy;
    bool met = true;  // In this cycle.
  };
  struct Noted {
    const uint32_t* slots;
    uint32_t count;
  };
  struct Taken {
    RootCopy* copy;
    RootRun run;
  };

  // Null if there is none, or the run's owner may store into it.
  Entry* Find(const RootRun& run);

  const SideTables* tables_;
  std::unordered_map<const uint32_t*, Entry> copies_;  // By their first slots.
  std::vector<Noted> noted_;
  std::vector<Taken> taken_;
  std::unique_ptr<ForwardJob> forward_job_;
  std::unique_ptr<RewriteJob> rewrite_job_;  // From Forward to Rewrite.
};

}  // namespace faultline
