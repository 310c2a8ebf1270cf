#include "gc/collector.h"

#include <algorithm>

#include "gc/compaction_job.h"
#include "gc/delays.h"
#include "gc/verification.h"
#include "heap/allocation.h"
#include "os/clock.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr size_t kScratchPieceBytes = size_t{16} << 20;

}  // namespace

const char* NameOf(Phase phase) {
  switch (phase) {
    case Phase::kIdle:
      return "idle";
    case Phase::kMarking:
      return "marking";
    case Phase::kMarked:
      return "marked";
    case Phase::kPlanned:
      return "planned";
    case Phase::kCompacting:
      return "compacting";
    case Phase::kFinishing:
      return "finishing";
  }
  return "?";
}

Collector::Collector(Heap* heap, const Options& options)
    : heap_(heap),
      options_(options),
      page_builder_(heap, this, TraitsOf(options.fault_mode).barriered_loads ? PageBuilder::Slots::kShared : PageBuilder::Slots::kOurs),
      marker_(MakeMarker(options.marker, heap)),
      weak_phase_(heap, marker_.get()),
      plan_(heap, TraitsOf(options.fault_mode).copies ? Plan::Targets::kHoles : Plan::Targets::kCommitted),
      fault_mode_(MakeFaultMode(options.fault_mode, this)) {
  heap->fresh_pages = this;
  heap->references = this;
}

Collector::~Collector() { Close(); }

Status Collector::Open() {
  if (options_.delay_seed != 0) SetDelaySeed(options_.delay_seed);
  if (Status status = released_sources_.Create((heap_->regions.count() + 63) / 64); !status.ok()) return status;
  if (TraitsOf(options_.fault_mode).barriered_loads) {
    if (Status status = unbuilt_pages_.Create(heap_->regions.count()); !status.ok()) return status;
  }
  if (Status status = marker_->Open(); !status.ok()) return status;
  return fault_mode_->Open();
}

void Collector::Close() {
  if (fault_mode_ != nullptr) fault_mode_->Close();
  marker_->Close();
  heap_->fresh_pages = nullptr;
  heap_->references = nullptr;
}

bool Collector::PrepareMarking(uint64_t deadline_ns) {
  if (phase() == Phase::kIdle) {
    // What was alive at the last marking stays true until the next one; mutators that run out of memory quote it.
    const uint64_t live_bytes = report_.live_bytes;
    report_ = CycleReport{};
    report_.live_bytes = live_bytes;
    report_.number = Read(heap_->statistics.cycles) + 1;
    marking_released_ = false;
    view_is_new_ = false;
    phase_.store(Phase::kMarking, std::memory_order_release);
  }
  heap_->NotePeak();
  return marker_->Prepare(gang_, deadline_ns);
}

void Collector::RetireAllTlabs() {
  for (Mutator* mutator : heap_->handshake.mutators()) RetireTlab(*heap_, *mutator);
}

bool Collector::RootsPause(uint64_t limit_ns) {
  FAULTLINE_CHECK(phase() == Phase::kMarking, "marking is prepared first", static_cast<uint64_t>(phase()));
  FAULTLINE_CHECK(!marking_begun_ || marker_->has_rounds(), "roots are taken once, but for rounds");
  Handshake& handshake = heap_->handshake;
  if (!handshake.TryStop(limit_ns)) return false;
  const bool first = !marking_begun_;
  marking_begun_ = true;
  if (first) {
    marking_begin_ns_ = handshake.stopped_ns();
    if (marker_->decides_at_start()) DecideHere();
  } else {
    ++report_.marking_rounds;
  }
  marker_->TakeRoots();
  ResumeToTrace();
  return true;
}

void Collector::ResumeToTrace() {
  Handshake& handshake = heap_->handshake;
  const uint64_t stopped_ns = handshake.stopped_ns();
  report_.mark_start_safepoint_ns = stopped_ns - handshake.requested_ns();
  handshake.Resume();
  report_.mark_start_pause_ns = handshake.resumed_ns() - stopped_ns;
  heap_->statistics.time_to_safepoint.Record(report_.mark_start_safepoint_ns);
  heap_->statistics.mark_start_pause.Record(report_.mark_start_pause_ns);
}

void Collector::DecideHere() {
  RetireAllTlabs();
  heap_->regions.CloseForMarking(heap_->tables.marked_pages.data());
}

bool Collector::Trace(uint64_t deadline_ns) {
  DelayAt(DelayPoint::kTracing);
  if (!marker_->Trace(gang_, deadline_ns)) return false;
  if (report_.marking_rounds > 0) report_.written_pages += marker_->written_pages();
  return true;
}

MarkPauseOutcome Collector::MarkPause(uint64_t limit_ns, uint64_t most_written_pages) {
  FAULTLINE_CHECK(phase() == Phase::kMarking, "marking is prepared first", static_cast<uint64_t>(phase()));
  Handshake& handshake = heap_->handshake;
  if (!handshake.TryStop(limit_ns)) return MarkPauseOutcome::kNotStopped;
  if (!marker_->HasLittleLeft(gang_, most_written_pages)) {
    ++report_.marking_rounds;
    ResumeToTrace();
    return MarkPauseOutcome::kAnotherRound;
  }
  const uint64_t stopped_ns = handshake.stopped_ns();
  if (!marker_->concurrent()) marking_begin_ns_ = stopped_ns;
  if (!marker_->decides_at_start()) DecideHere();
  marker_->Finish(gang_);
  marking_begun_ = false;
  report_.marked_objects = marker_->marked_objects();
  report_.live_bytes = marker_->live_words() * kWordBytes;
  report_.remark_pages = marker_->written_pages();
  report_.marking_ns = NowNs() - marking_begin_ns_;
  if (options_.verify) {
    const uint64_t objects = VerifyMarks(*heap_);
    FAULTLINE_CHECK(marker_->concurrent() || objects == report_.marked_objects,
                    "(M) marking found exactly what is reachable", objects, report_.marked_objects);
  }
  weak_phase_.Begin();
  phase_.store(Phase::kMarked, std::memory_order_release);
  report_.mark_safepoint_ns = stopped_ns - handshake.requested_ns();
  handshake.Resume();
  report_.mark_pause_ns = handshake.resumed_ns() - stopped_ns;
  RecordMarking();
  return MarkPauseOutcome::kMarked;
}

void Collector::RecordMarking() {
  Statistics& statistics = heap_->statistics;
  statistics.time_to_safepoint.Record(report_.mark_safepoint_ns);
  (marker_->concurrent() ? statistics.remark_pause : statistics.mark_pause).Record(report_.mark_pause_ns);
  Add(statistics.marked_objects, report_.marked_objects);
  Add(statistics.marking_ns, report_.marking_ns);
  Add(statistics.marking_rounds, report_.marking_rounds);
  Add(statistics.written_pages, report_.written_pages + report_.remark_pages);
}

bool Collector::ProcessWeak(uint64_t deadline_ns) {
  if (weak_phase_.over()) return true;
  FAULTLINE_CHECK(phase() == Phase::kMarked, "what is weak is decided by marking", static_cast<uint64_t>(phase()));
  if (!weak_phase_.Run(gang_, deadline_ns)) return false;
  report_.weak = weak_phase_.report();
  report_.marked_objects = marker_->marked_objects();
  report_.live_bytes = marker_->live_words() * kWordBytes;
  Statistics& statistics = heap_->statistics;
  Add(statistics.marked_objects, report_.weak.resurrected_objects);
  Add(statistics.cleared_slots, report_.weak.cleared_slots);
  Add(statistics.cleared_ephemerons, report_.weak.cleared_ephemerons);
  Add(statistics.finalizable, report_.weak.finalizable);
  return true;
}

bool Collector::ReleaseMarking(uint64_t deadline_ns) {
  if (!marker_->Release(gang_, deadline_ns)) return false;
  marking_released_ = true;
  return true;
}

uint32_t Collector::Sweep() {
  FAULTLINE_CHECK(weak_phase_.over(), "(W) nothing is freed while weak slots may refer to it");
  const Bitmap& starts = heap_->tables.object_starts;
  report_.swept_regions =
      heap_->regions.SweepDead(heap_->tables.live_word_counts.data(), heap_->tables.marked_pages.data(),
                               [&starts](WordIndex object) { return starts.Test(object); });
  heap_->pins.CheckRegions(*heap_);
  if (report_.swept_regions > 0) {
    heap_->TellMemoryMayBeFree();
  }
  return report_.swept_regions;
}

bool Collector::MakePlan(const std::vector<RegionIndex>& sources, uint32_t wanted_targets) {
  FAULTLINE_CHECK(phase() == Phase::kMarked, "a plan is made from fresh marks", static_cast<uint64_t>(phase()));
  const uint32_t planned = wanted_targets == 0 ? 0 : plan_.Make(gang_, sources, wanted_targets);
  heap_->regions.ReopenPartial();
  Add(heap_->statistics.cycles, 1);
  if (planned == 0) {
    phase_.store(Phase::kFinishing, std::memory_order_release);
    return false;
  }
  report_.sources = planned;
  report_.targets = static_cast<uint32_t>(plan_.targets().size());
  report_.copied_bytes = plan_.live_words() * kWordBytes;
  phase_.store(Phase::kPlanned, std::memory_order_release);
  heap_->NotePeak();
  return true;
}

void Collector::NextCycleNumber() {
  if (++cycle_ == PageStates::kCycleLimit) {
    heap_->tables.page_states.Reset();
    cycle_ = 1;
  }
}

uint64_t Collector::RewriteRoots() {
  DelayAt(DelayPoint::kBeforeRoots);
  const Forwarding forwarding(heap_->tables);
  uint64_t roots = 0;
  root_pages_.Clear();
  heap_->ForEachRoot(
      [&](uint32_t* slot) {
        *slot = forwarding.NewReference(*slot);
        if (load_barrier_raised_ && heap_->unsettled[RegionOf(*slot)] != 0) BuildAllOf(*slot, &heap_->statistics.pages_by_workers);
        root_pages_.Note(*slot);
        ++roots;
      },
      [&] { root_pages_.NextOwner(); });
  return roots;
}

bool Collector::FlipPause(uint64_t limit_ns) {
  FAULTLINE_CHECK(phase() == Phase::kPlanned, "a flip follows a plan", static_cast<uint64_t>(phase()));
  Handshake& handshake = heap_->handshake;
  FAULTLINE_CHECK(marking_released_, "the view is ordinary memory when it is moved");
  if (!handshake.TryStop(limit_ns)) return false;
  RetireAllTlabs();
  NextCycleNumber();
  heap_->regions.Freeze(heap_->tables.frozen.data());
  bool in_pause = fault_mode_->builds_in_pause();
  const uint64_t kernel_begin_ns = NowNs();
  if (!in_pause) {
    if (Status status = fault_mode_->Flip(); !status.ok()) {
      // Nothing has changed yet.  The plan still stands, so this cycle compacts inside the pause instead.
      report_.flip_refused = true;
      report_.flip_error = status.error();
      Add(heap_->statistics.refused_flips, 1);
      in_pause = true;
    }
  }
  const bool barriered_loads = TraitsOf(options_.fault_mode).barriered_loads;
  const bool swapped = !in_pause && !barriered_loads;
  if (swapped) {
    heap_->regions.ForgetMapped();
    view_is_new_ = true;
  }
  staging_ = in_pause ? nullptr : fault_mode_->staging();
  compaction_begin_ns_ = NowNs();
  report_.flip_kernel_ns = compaction_begin_ns_ - kernel_begin_ns;
  workers_before_ = Read(heap_->statistics.pages_by_workers);
  mutators_before_ = Read(heap_->statistics.pages_by_mutators);
  if (swapped) {
    gate_.Open();
    armed_.store(true, std::memory_order_release);
  }
  if (barriered_loads) RaiseLoadBarrier();
  // (U) From the first rewritten root on nothing can fail.
  const uint64_t roots_begin_ns = NowNs();
  report_.roots = RewriteRoots();
  report_.flip_roots_ns = NowNs() - roots_begin_ns;
  phase_.store(Phase::kCompacting, std::memory_order_release);
  if (in_pause) BuildAllInPause();
  report_.flip_safepoint_ns = handshake.stopped_ns() - handshake.requested_ns();
  const uint64_t stopped_ns = handshake.stopped_ns();
  handshake.Resume();
  report_.flip_pause_ns = handshake.resumed_ns() - stopped_ns;
  heap_->statistics.time_to_safepoint.Record(report_.flip_safepoint_ns);
  heap_->statistics.flip_pause.Record(report_.flip_pause_ns);
  return true;
}

void Collector::BuildAllInPause() {
  CompactionJob job(this, CompactionJob::Showing::kNo);
  gang_.RunToEnd(&job);
  phase_.store(Phase::kFinishing, std::memory_order_release);
}

bool Collector::Compact(uint64_t deadline_ns) {
  if (phase() == Phase::kFinishing) return true;
  FAULTLINE_CHECK(phase() == Phase::kCompacting, "compaction follows a flip", static_cast<uint64_t>(phase()));
  fault_mode_->KeepHandler();
  if (compaction_job_ == nullptr) compaction_job_ = std::make_unique<CompactionJob>(this, CompactionJob::Showing::kYes);
  // While workers build, this thread empties scratch.
  while (gang_.serving() > 0 && NowNs() < deadline_ns && !heap_->views.EmptyScratchPiece(kScratchPieceBytes)) {
  }
  const bool done = gang_.RunSlice(compaction_job_.get(), deadline_ns);
  RecycleSources();
  if (!done) return false;
  compaction_job_.reset();
  heap_->NotePeak();
  phase_.store(Phase::kFinishing, std::memory_order_release);
  return true;
}

bool Collector::Finish(uint64_t deadline_ns) {
  FAULTLINE_CHECK(phase() == Phase::kFinishing, "a cycle is finished last", static_cast<uint64_t>(phase()));
  if (Armed()) {
    if (!gate_.TryClose(deadline_ns)) return false;
    DelayAt(DelayPoint::kBeforeDisarm);
    fault_mode_->Disarm();
    armed_.store(false, std::memory_order_release);
  }
  if (load_barrier_raised_) {
    const uint64_t now = NowNs();
    if (!LowerLoadBarrier(deadline_ns > now ? deadline_ns - now : 0)) return false;
  }
  while (!heap_->views.EmptyScratchPiece(kScratchPieceBytes)) {
    if (NowNs() >= deadline_ns) return false;
  }
  if (!view_is_new_ && marker_->leaves_view_read_only() && !MakeViewWritable(deadline_ns)) return false;
  EndCycle();
  return true;
}

// The kernel leaves every page of a range that was write-tracked read-only, and the first write to each would fault once more.  A flip
// gives the view other page tables; without one this does.
bool Collector::MakeViewWritable(uint64_t deadline_ns) {
  if (writable_until_ == 0) heap_->regions.ForgetMapped();
  for (; writable_until_ < heap_->regions.count(); ++writable_until_) {
    if (NowNs() >= deadline_ns) return false;
    const RegionUse use = heap_->regions.use(writable_until_);
    if (use.state == RegionState::kFree || use.used_pages == 0) continue;
    // A refusal only means that mutators take these faults themselves.
    (void)heap_->views.PopulateMutatorView(size_t{writable_until_} * kRegionBytes, size_t{use.used_pages} * kPageBytes).ok();
  }
  writable_until_ = 0;
  return true;
}

void Collector::EndCycle() {
  RecycleSources();
  Statistics& statistics = heap_->statistics;
  if (!plan_.sources().empty()) {
    for (const RegionIndex source : plan_.sources()) {
      FAULTLINE_CHECK(heap_->tables.unread_pages[source] == 0, "(F) every reader of a source is done", source);
    }
    Add(statistics.compacting_cycles, 1);
    Add(statistics.evacuated_bytes, plan_.sources().size() * kRegionBytes);
    Add(statistics.copied_bytes, report_.copied_bytes);
    report_.pages_by_workers = Read(statistics.pages_by_workers) - workers_before_;
    report_.pages_by_mutators = Read(statistics.pages_by_mutators) - mutators_before_;
    report_.compaction_ns = NowNs() - compaction_begin_ns_;
  }
  plan_.Finish();
  heap_->regions.ReopenPartial();
  phase_.store(Phase::kIdle, std::memory_order_release);
  heap_->NotePeak();
  heap_->TellMemoryMayBeFree();
}

void Collector::EndCollection() {
  collections_ended_.fetch_add(1, std::memory_order_acq_rel);
  heap_->TellMemoryMayBeFree();
}

bool Collector::Recover(uint64_t deadline_ns) {
  heap_->handshake.Resume();
  if (!BringToIdle(deadline_ns)) return false;
  while (collections_ended() != collections_begun()) EndCollection();
  return true;
}

bool Collector::BringToIdle(uint64_t deadline_ns) {
  switch (phase()) {
    case Phase::kIdle:
      return true;
    case Phase::kMarking:
      // A worker may still be at what was begun.
      if (!marker_->Prepare(gang_, deadline_ns) || !ReleaseMarking(deadline_ns)) return false;
      marking_begun_ = false;
      phase_.store(Phase::kFinishing, std::memory_order_release);
      return Finish(deadline_ns);
    case Phase::kMarked:
      if (!ProcessWeak(deadline_ns) || !ReleaseMarking(deadline_ns)) return false;
      phase_.store(Phase::kFinishing, std::memory_order_release);
      return Finish(deadline_ns);
    case Phase::kPlanned:
      if (!ReleaseMarking(deadline_ns)) return false;
      plan_.Cancel();
      phase_.store(Phase::kFinishing, std::memory_order_release);
      return Finish(deadline_ns);
    case Phase::kCompacting:
      if (!Compact(deadline_ns)) return false;
      [[fallthrough]];
    case Phase::kFinishing:
      // Nothing was worth moving, and then it ended.
      return ReleaseMarking(deadline_ns) && Finish(deadline_ns);
  }
  return true;
}

void Collector::SourceRead(RegionIndex source) {
  std::atomic_ref<uint32_t> unread(heap_->tables.unread_pages[source]);
  // acq_rel: whoever takes the last page sees that all other builders are done with the source (F).
  const uint32_t before = unread.fetch_sub(1, std::memory_order_acq_rel);
  FAULTLINE_CHECK(before > 0, "(F) a source has as many readers as the plan counted", source);
  if (before != 1) return;
  std::atomic_ref<uint64_t> bits(released_sources_[source / 64]);
  bits.fetch_or(uint64_t{1} << (source % 64), std::memory_order_release);  // Partner: RecycleSources.
}

bool Collector::RecycleSources() {
  if (load_barrier_raised_) return false;  // (L3)
  bool any = false;
  for (size_t i = 0; i < released_sources_.size(); ++i) {
    std::atomic_ref<uint64_t> bits(released_sources_[i]);
    if (bits.load(std::memory_order_relaxed) == 0) continue;
    uint64_t taken = bits.exchange(0, std::memory_order_acq_rel);
    for (; taken != 0; taken &= taken - 1) {
      heap_->regions.FreeSource(static_cast<RegionIndex>(i * 64 + static_cast<uint32_t>(__builtin_ctzll(taken))));
      any = true;
    }
  }
  if (any) {
    heap_->TellMemoryMayBeFree();
  }
  return any;
}

bool Collector::VerifyPause(uint64_t limit_ns, uint64_t* objects) {
  if (!heap_->handshake.TryStop(limit_ns)) return false;
  *objects = VerifyHeap(*heap_);
  heap_->handshake.Resume();
  return true;
}

bool Collector::CopyGraphPause(uint64_t limit_ns, const GraphCopy::Options& options, GraphCopy* copy, Status* status,
                               uint64_t* pause_ns) {
  FAULTLINE_CHECK(phase() == Phase::kIdle, "a graph is copied between cycles", static_cast<uint64_t>(phase()));
  if (!heap_->handshake.TryStop(limit_ns)) return false;
  const uint64_t begin_ns = NowNs();
  *status = copy->Take(*heap_, options);
  *pause_ns = NowNs() - begin_ns;
  heap_->handshake.Resume();
  return true;
}

}  // namespace faultline
