// Flip: the pause that takes page tables of the mutator view away and rewrites the roots, what is done for it beforehand, and what happens
// when the kernel refuses.
#include <algorithm>

#include "gc/checking/verification.h"
#include "gc/collector.h"
#include "gc/compaction/compaction_job.h"
#include "gc/compaction/load_barrier_phase.h"
#include "gc/marking/tracing.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

uint64_t Collector::RewriteRoots() {
  DelayAt(DelayPoint::kBeforeRoots);
  const Forwarding forwarding(heap_->tables);
  LoadBarrierPhase* const load_barrier = pages_.load_barrier();
  RootCopies& copies = marker_->tracing().root_copies();
  uint64_t roots = 0;
  root_pages_.Clear();
  const auto rewrite = [&](uint32_t* slot) {
    // A parked thread holds no references, but it may store null or a small integer (heap/root_run.h); that store must survive.
    const uint32_t before = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (!IsReference(before)) return;
    const WordIndex object = forwarding.NewAddress(WordIndex(before));
    FAULTLINE_CHECK(!forwarding.Moves(object), "(C) a root leads to where its object is from now on", before, object);
    DelayAt(DelayPoint::kRootFound);
    uint32_t expected = before;
    if (object != before) __atomic_compare_exchange_n(slot, &expected, object, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (load_barrier != nullptr && heap_->unsettled[RegionOf(object)] != 0) {
      load_barrier->BuildAllOf(object, &heap_->statistics.pages_by_workers);
    }
    root_pages_.Note(object);
    ++roots;
  };
  const bool forwarded = copies.forwarded();
  const auto rewrite_run = [&](const RootRun& run) {
    const uint32_t done_by_copy = forwarded ? copies.Rewritable(run) : 0;
    // No more of them would be kept.
    for (uint32_t i = done_by_copy - std::min(done_by_copy, RootPages::kPagesOfOwner); i < done_by_copy; ++i) {
      if (IsReference(run.slots[i])) root_pages_.Note(forwarding.NewAddress(WordIndex(run.slots[i])));
    }
    run.ForEachRoot(rewrite, done_by_copy);
  };
  if (options_.verify && forwarded) copies.Check();
  heap_->ForEachRun(rewrite_run, [this] { root_pages_.NextOwner(); });
  const RootCopy::Rewritten by_copies = forwarded ? copies.Rewrite(gang_) : RootCopy::Rewritten{};
  report_.roots_forwarded_before = by_copies.as_computed;
  return roots + by_copies.as_computed + by_copies.looked_up;
}

bool Collector::ForwardRoots(uint64_t deadline_ns) {
  // With a load barrier the pages that each root leads to are built in the pause.
  return pages_.load_barrier() != nullptr || marker_->tracing().root_copies().Forward(gang_, deadline_ns);
}

// Where the kernel refuses ranges, as at the limit of mappings, it may allow all of the view, which splits no mapping.
Status Collector::TakeViewAway() {
  Status status = pages_.fault_mode().Flip();
  TakenAway& taken_away = pages_.taken_away();
  if (status.ok() || taken_away.IsAll() || !heap_->views.is_scratch_empty()) return status;
  taken_away.ChooseAll();
  return pages_.fault_mode().Flip();
}

bool Collector::FlipPause(uint64_t limit_ns) {
  FAULTLINE_CHECK(phase() == Phase::kPlanned, "a flip follows a plan", static_cast<uint64_t>(phase()));
  FAULTLINE_CHECK(marking_released_, "the view is ordinary memory when it is moved");
  const uint64_t now = NowNs();
  if (!ForwardRoots(limit_ns < Gang::kForever - now ? now + limit_ns : Gang::kForever)) return false;
  if (!heap_->handshake.TryStop(limit_ns)) return false;
  RetireAllTlabs();
  // (B) A later wave goes by the marks that it found.
  if (options_.verify && report_.waves > 0) VerifyMarks(*heap_);
  pages_.NextCycle();
  heap_->regions.Freeze(heap_->tables.frozen.data());
  bool in_pause = pages_.fault_mode().builds_in_pause();
  LoadBarrierPhase* const load_barrier = pages_.load_barrier();
  TakenAway& taken_away = pages_.taken_away();
  const uint64_t kernel_begin_ns = NowNs();
  if (in_pause || load_barrier != nullptr) {
    taken_away.ChooseNothing();
  } else {
    const bool finds_stale = options_.verify || heap_->poisons;
    taken_away.Choose(finds_stale ? TakenAway::LeafSources::kGo : TakenAway::LeafSources::kMayStay);
  }
  if (!in_pause) {
    if (Status status = TakeViewAway(); !status.ok()) {
      // No root has been rewritten and the plan still stands, so this cycle compacts inside the pause instead.  The view is ordinary
      // memory, but it may have lost its page tables.
      heap_->regions.ForgetMapped();
      taken_away.ChooseNothing();
      report_.flip_refused = true;
      report_.flip_error = status.error();
      Add(heap_->statistics.refused_flips, 1);
      in_pause = true;
    }
  }
  const bool armed = !in_pause && load_barrier == nullptr;
  if (armed) {
    heap_->regions.ForgetMapped([&taken_away](RegionIndex region) { return !taken_away.IsLeft(region); });
    heap_->read_only_until.store(0, std::memory_order_relaxed);
    view_is_new_ = true;
    Add(heap_->statistics.taken_pages, taken_away.FilePages());
    Add(heap_->statistics.taken_ranges, taken_away.ranges().size());
  }
  pages_.set_in_pause(in_pause);
  compaction_begin_ns_ = NowNs();
  report_.flip_kernel_ns = compaction_begin_ns_ - kernel_begin_ns;
  workers_before_ = Read(heap_->statistics.pages_by_workers);
  mutators_before_ = Read(heap_->statistics.pages_by_mutators);
  if (armed) pages_.Arm();
  if (load_barrier != nullptr) load_barrier->Raise(plan_);
  // (U) From the first rewritten root on nothing can fail.
  const uint64_t roots_begin_ns = NowNs();
  report_.roots = RewriteRoots();
  report_.flip_roots_ns = NowNs() - roots_begin_ns;
  Enter(CycleStep::kFlip, Phase::kCompacting);
  if (in_pause) BuildAllInPause();
  const PauseTimes times = EndPause(&heap_->statistics.flip_pause);
  report_.flip_safepoint_ns = times.safepoint_ns;
  report_.flip_pause_ns = times.pause_ns;
  report_.all_flip_pauses_ns += times.pause_ns;
  report_.longest_flip_pause_ns = std::max(report_.longest_flip_pause_ns, times.pause_ns);
  return true;
}

void Collector::BuildAllInPause() {
  CompactionJob job(&pages_, plan_, root_pages_, CompactionJob::Showing::kNo);
  gang_.RunToEnd(&job);
  Enter(CycleStep::kFlip, Phase::kFinishing);
}

}  // namespace faultline
