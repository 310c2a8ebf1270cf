// PageService: the pages of the new view, from the flip to the finish.  Who may build a page, who shows it, who waits for it, and what
// happens when a mutator touches a page that is not there yet.
//
// A thread that needs a page claims it in its state word (heap/page_states.h), builds it through the alias (gc/compaction/page_building.h),
// publishes it, and shows it in the mutator view (gc/faults/fault_mode.h).  Workers do that range by range; a mutator that touches a page
// does it for that page and its neighbours.  Mutators are inside the gate while they do, so that the cycle does not end before the last of
// them has left (gc/compaction/compaction_gate.h).
//
// A mutator may run this code inside a signal handler: no allocation, no lock, no V8, no touch of the mutator view.  All of it is in one
// .cc file, so that the path from the fault to the page can be inlined.
#pragma once

#include <atomic>
#include <memory>

#include "gc/compaction/compaction_gate.h"
#include "gc/compaction/page_building.h"
#include "gc/compaction/released_sources.h"
#include "gc/compaction/taken_away.h"
#include "gc/faults/fault_mode.h"
#include "heap/heap.h"

namespace faultline {

class CopiedTargets;
class LoadBarrierPhase;

class PageService {
 public:
  static constexpr uint32_t kAdaptive = 0;
  static constexpr PageIndex kNoPage{~0u};

  struct Options {
    FaultModeKind fault_mode = FaultModeKind::kSigbus;
    uint32_t fault_around_pages = kAdaptive;  // A power of two.
    bool verify = false;
  };

  PageService(Heap* heap, const Options& options);
  ~PageService();

  // Opens the fault mode.
  Status Open();
  // No mutator is attached and nobody builds.
  void Close();

  // --- The control thread's ------------------------------------------------------------------------------------------
  // For these three the world is stopped.  Begins a new cycle: no page of it is claimed or built.
  void NextCycle();
  // Whether all of this cycle's pages are built in the pause; then each is built in place, in the modes that copy too.
  void set_in_pause(bool in_pause) { copies_ = copied_targets_ != nullptr && !in_pause; }
  // From here on touches are served.  The page tables of what is taken away are gone.
  void Arm();
  // Every page is built; from here on the view is ordinary memory.  False after the time limit (call again).
  bool Disarm(uint64_t deadline_ns);

  // --- Building and showing, by any thread ---------------------------------------------------------------------------
  bool PageNeedsBuilding(PageIndex page) const { return !IsLeft(page) && page_builder_.TreatmentOf(page) != Treatment::kNone; }
  // (Y) Whether the flip has left the page in the mutator view; from flip to finish.
  bool IsLeft(PageIndex page) const { return taken_away_.IsLeft(RegionOfPage(page)); }
  bool PageIsComplete(PageIndex page) const;
  // Builds the page, or waits for the thread that does.  The caller is inside the gate and holds no claim.
  void EnsureBuilt(PageIndex page, Counter* builder);
  // Builds the pages that no other thread has claimed, then shows those that are built and not shown yet; `wanted` even if it was shown.
  void BuildRange(PageIndex first, uint32_t count, Counter* builder, PageIndex wanted = kNoPage);
  // Frees the sources that have no readers left; true when there were any.
  bool RecycleSources();

  // --- A fault -------------------------------------------------------------------------------------------------------
  // Serves one touch of the mutator view.  Returns false when the touch is a mistake (a stale reference), after saying so on standard
  // error.  Async-signal-safe.  `mutator` is the one whose time it takes, or null.
  bool ServeFault(uintptr_t address, Mutator* mutator);
  // Added to each fault's time in the handler: what the kernel takes to deliver and return (see bare_fault.h).
  void set_delivery_ns(uint64_t ns) { delivery_ns_.store(ns, std::memory_order_relaxed); }

  // --- The allocator's: zeroed pages that no collection knows of, while armed ----------------------------------------
  // Shows them.
  void PublishFresh(PageIndex first, uint32_t count);
  // The same for a large object, whose pages are shown one by one when they are touched.
  void AnnounceFresh(PageIndex first, uint32_t count);

  Heap& heap() { return *heap_; }
  FaultMode& fault_mode() { return *fault_mode_; }
  TakenAway& taken_away() { return taken_away_; }
  PageBuilder& page_builder() { return page_builder_; }
  // Null except in the mode with a load barrier.
  LoadBarrierPhase* load_barrier() { return load_barrier_.get(); }
  const Options& options() const { return options_; }
  // From the flip until the mutator view is ordinary memory again.  To a running mutator it can turn false, but not true.
  bool armed() const { return armed_.load(std::memory_order_acquire); }
  uint32_t cycle() const { return cycle_; }

 private:
  bool TryBuild(PageIndex page, Counter* builder);
  uint32_t FaultAroundPages(Mutator* mutator, PageIndex page);
  // A fault where nothing is armed.
  bool ServeUnarmed(uintptr_t address);
  void SayStale(PageIndex page, uintptr_t address);
  void Say(const char* what, uintptr_t address, const char* remedy);

  Heap* heap_;
  const Options options_;
  ReleasedSources released_sources_;
  TakenAway taken_away_;
  PageBuilder page_builder_;
  std::unique_ptr<FaultMode> fault_mode_;
  std::unique_ptr<LoadBarrierPhase> load_barrier_;
  std::unique_ptr<CopiedTargets> copied_targets_;  // Null except in the modes that copy.
  bool copies_ = false;                            // Frozen from flip to finish.
  CompactionGate gate_;
  // Frozen from flip to finish; fault handlers read it inside the gate.
  uint32_t cycle_ = 0;
  // Written with release in the pause (mutators see it when they unpark) and after the view is ordinary memory again.
  std::atomic<bool> armed_{false};
  std::atomic<uint64_t> delivery_ns_{0};
};

}  // namespace faultline
