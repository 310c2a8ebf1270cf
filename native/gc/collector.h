// Collector: one collection cycle, step by step, in order.  The phases that the steps lead to are a table in cycle.h.
//
//   1  PrepareMarking  concurrent   bitmaps of used regions cleared, the alias's page tables filled; writes are tracked from here on
//   2  RootsPause      all stopped  roots copied           ┐ concurrent markers only; repeated while that makes the last pause of
//      Trace           concurrent   what they lead to      ┘ marking shorter (gc/marking/marker.h)
//      MarkPause       all stopped  TLABs retired, allocation moves to fresh regions, the rest of what is reachable marked.
//                                   From here on liveness is frozen; new objects count as alive ("young").
//      ProcessWeak     concurrent   weak slots and ephemerons of dead objects cleared (W), finalizable objects resurrected
//                                   (gc/marking/weak_phase.h)
//   3  Sweep           concurrent   regions in which nothing is alive, and dead large objects, are freed at once
//   4  MakePlan        concurrent   new addresses of everything in the chosen regions.  From here on the address
//                                   function is frozen (P), no target is a source (T).
//      ReleaseMarking  concurrent   writes are no longer tracked
//   5  FlipPause       all stopped  TLABs retired, the view emptied and armed (S) but for leaf regions that stay (Y), roots rewritten
//                                   last (U).
//                                   From here on a running mutator sees new addresses only (C).
//   6  Compact         concurrent   every page that needs it is built once (O) through the alias (K), by workers or by the
//                                   mutator that touched it; a source is freed after its last reader (F)
//   7  Finish          concurrent   no thread builds any more: the view is ordinary memory, targets are live regions,
//                                   scratch is emptied (with a load barrier: a pause, after which no old address is left)
//      FinishWave      concurrent   the same, but the cycle goes on at 4, with what its marking found (see below)
//   8  Reclaim         concurrent   surplus pages go back to the system, those that are kept are mapped
//
// Steps 1 to 3 are in mark_and_sweep.cc, 5 in flip.cc, 4, 6 and 7 in compaction.cc, 8 in reclaim.cc.  What mutators may do meanwhile is
// in page_service.h and load_barrier_phase.h; how an abandoned cycle is finished, in recovery.cc.
//
// Waves.  A cycle may move more than there is memory for at once: steps 4 to 7 are repeated, and the targets of a wave are the places of
// the sources before it.  Nothing is marked anew, so until the last wave is planned
//
//   (B)  start bits and marked pages follow the objects: builders set those of a target (but not of the last wave's), and the last reader
//        of a source clears the source's.  What is neither is where it was, or young: allocated since marking ended, and built by walking
//        its TLAB in every wave.
//   (G)  no region that a later wave evacuates is filled further: what is young in it would not move.
//
// Weak slots and finalizers were decided on after marking, once; what they refer to is alive, and moves as all else does.
//
// The control thread (src/gc/collector.ts) calls the steps and decides what to evacuate and when.  Each step takes a time limit and says
// whether it is done, so that the thread returns to JavaScript regularly.  A pause is one call and runs no JavaScript between stop and
// resume.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "gc/checking/graph_copy.h"
#include "gc/compaction/page_service.h"
#include "gc/compaction/plan.h"
#include "gc/compaction/root_pages.h"
#include "gc/cycle.h"
#include "gc/gang.h"
#include "gc/marking/marker.h"
#include "gc/marking/weak_phase.h"
#include "heap/heap.h"

namespace faultline {

// One pause: from the request until the last mutator has stopped, and from there to the resume.
struct PauseTimes {
  uint64_t safepoint_ns = 0;
  uint64_t pause_ns = 0;
};

enum class MarkPauseOutcome : uint8_t { kNotStopped, kAnotherRound, kMarked };

class Collector final : public CollectorHooks {
 public:
  struct Options {
    FaultModeKind fault_mode = FaultModeKind::kSigbus;
    MarkerKind marker = MarkerKind::kStopped;
    uint32_t fault_around_pages = PageService::kAdaptive;  // A power of two.
    bool verify = false;
    bool track_utilization = false;
    uint64_t delay_seed = 0;  // If not 0, random delays at the named points, for tests.
  };

  Collector(Heap* heap, const Options& options);
  ~Collector() override;

  // Opens the fault mode.
  Status Open();
  // No mutator is attached and no step is running.
  void Close();

  // --- Steps of a cycle; control thread only ------------------------------------------------------------------------
  bool PrepareMarking(uint64_t deadline_ns);
  // Concurrent markers only.  Every pair of these after the first is a round.
  bool RootsPause(uint64_t limit_ns);
  bool Trace(uint64_t deadline_ns);
  // The last pause of marking.  If more than `most_written_pages` pages have to be rescanned and the marker has rounds, it becomes another
  // round: call Trace next, then this again.
  MarkPauseOutcome MarkPause(uint64_t limit_ns, uint64_t most_written_pages);
  bool MarkPause(uint64_t limit_ns) { return MarkPause(limit_ns, ~uint64_t{0}) == MarkPauseOutcome::kMarked; }
  // Whether the last marking left something for ProcessWeak.
  bool weak_pending() const { return !weak_phase_.over(); }
  bool ProcessWeak(uint64_t deadline_ns);
  bool ReleaseMarking(uint64_t deadline_ns);
  uint32_t Sweep();
  // `sources` are chosen by policy.  Those of `later` that are not planned now are for the waves to come: they stay closed (G), and what is
  // moved now gets its marks (B).  Where there are none, this is the last wave.  False when nothing will move: the cycle is over then, but
  // Finish must still be called.
  bool MakePlan(const std::vector<RegionIndex>& sources, uint32_t wanted_targets, std::vector<RegionIndex> later = {});
  // Before it stops the world, it computes where what most roots hold will be (gc/root_copy.h); false if either takes too long.
  bool FlipPause(uint64_t limit_ns);
  bool Compact(uint64_t deadline_ns);
  bool Finish(uint64_t deadline_ns);
  // After the compaction of a wave that is not the last: MakePlan comes next.
  bool FinishWave(uint64_t deadline_ns);
  // Punches free regions until at most `keep_bytes` of spare pages are left, maps those in the mutator view, and punches the tails of used
  // regions if asked to.  False when the time is over.
  bool Reclaim(uint64_t keep_bytes, bool tails, uint64_t deadline_ns);
  // Finishes a cycle that a dead control thread abandoned, and wakes every mutator that waits for its collection.  True when the phase is
  // idle.
  bool Recover(uint64_t deadline_ns);
  // Stops the world and verifies the whole heap.  False if the world did not stop in time.
  bool VerifyPause(uint64_t limit_ns, uint64_t* objects);
  // The same for a copy of the graph; `status` says whether there was memory for it.
  bool CopyGraphPause(uint64_t limit_ns, const GraphCopy::Options& options, GraphCopy* copy, Status* status, uint64_t* pause_ns);

  // --- CollectorHooks ------------------------------------------------------------------------------------------------
  bool Armed() const override { return pages_.armed(); }
  bool IsArmed(PageIndex page) const override { return pages_.armed() && !pages_.IsLeft(page); }
  void PublishFresh(PageIndex first, uint32_t count) override { pages_.PublishFresh(first, count); }
  void AnnounceFresh(PageIndex first, uint32_t count) override { pages_.AnnounceFresh(first, count); }
  bool RecycleSources() override { return pages_.RecycleSources(); }
  void NoteAliasWrite(PageIndex first, uint32_t count) override { marker_->NoteAliasWrite(first, count); }
  void TakeLog(Mutator& mutator) override { marker_->TakeLog(mutator); }

  // Whether an object may begin at that word, as a running mutator sees the heap: for checked heaps.  Accepts any number.
  bool IsObject(WordIndex word) const;

  // --- Requests of mutators -----------------------------------------------------------------------------------------
  // A collection is one cycle, or none where nothing is ever collected.  Tickets count collections: a request made now is served by the
  // collection with the returned number.
  uint32_t collections_begun() const { return collections_begun_.load(std::memory_order_acquire); }
  uint32_t collections_ended() const { return collections_ended_.load(std::memory_order_acquire); }
  void BeginCollection() { collections_begun_.fetch_add(1, std::memory_order_acq_rel); }
  void EndCollection();

  Heap& heap() { return *heap_; }
  Gang& gang() { return gang_; }
  const Marker& marker() const { return *marker_; }
  PageService& pages() { return pages_; }
  const Plan& plan() const { return plan_; }
  const Options& options() const { return options_; }
  const CycleReport& report() const { return report_; }
  // Whether the collection with that ticket is past a flip, so that mutators may build pages.
  bool MayBuildIn(uint32_t ticket) const { return static_cast<int32_t>(collections_begun() - ticket) >= 0 && Armed(); }
  Phase phase() const { return phase_.load(std::memory_order_acquire); }

 private:
  // Changes the phase; kSteps says which step may, and whether the world has to be stopped.
  void Enter(CycleStep step, Phase to);
  // For these two the world is stopped.
  void RetireAllTlabs();
  // Resumes it, and records how long it was stopped.
  PauseTimes EndPause(Histogram* pauses);
  // Marking decides on everything that exists now, and on nothing younger.  The world is stopped.
  void DecideHere();
  void LookForStaleReferences();
  void ResumeToTrace();
  void RecordMarking();
  bool BringToIdle(uint64_t deadline_ns);
  bool ForwardRoots(uint64_t deadline_ns);
  uint64_t RewriteRoots();
  Status TakeViewAway();
  void BuildAllInPause();
  bool EmptyScratchStep();
  bool MakeViewWritable(uint64_t deadline_ns);
  bool EndCompaction(uint64_t deadline_ns);
  void EndWave();
  void EndCycle();
  // The pause that ends the phase of the load barrier.
  bool LowerLoadBarrier(uint64_t limit_ns);

  Heap* heap_;
  Options options_;
  Gang gang_;
  PageService pages_;
  std::unique_ptr<Marker> marker_;
  WeakPhase weak_phase_;
  // From the first root to the end of the last pause.
  bool marking_begun_ = false;
  bool marking_released_ = true;
  // This cycle's flip gave the view other page tables.
  bool view_is_new_ = false;
  RegionIndex writable_until_{0};
  uint64_t marking_begin_ns_ = 0;
  Plan plan_;

  std::atomic<Phase> phase_{Phase::kIdle};

  std::unique_ptr<Job> compaction_job_;
  // Written in the flip pause, read by the control thread after it.
  RootPages root_pages_;

  std::atomic<uint32_t> collections_begun_{0};
  std::atomic<uint32_t> collections_ended_{0};
  CycleReport report_;
  uint64_t compaction_begin_ns_ = 0;
  uint64_t workers_before_ = 0;
  uint64_t mutators_before_ = 0;
  std::vector<RegionIndex> reclaim_list_;
  RegionIndex reclaim_tail_{0};  // Where the walk over tails resumes, and the cycle after which it began.
  uint64_t reclaim_cycle_ = 0;
};

}  // namespace faultline
