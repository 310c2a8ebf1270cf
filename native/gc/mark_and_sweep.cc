// Marking and sweeping: the steps of a cycle that find what is dead, and free the regions in which everything is dead.
#include "gc/checking/verification.h"
#include "gc/collector.h"
#include "gc/marking/tracing.h"
#include "heap/poison.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

bool Collector::PrepareMarking(uint64_t deadline_ns) {
  if (phase() == Phase::kIdle) {
    // The live bytes of the last marking count until the next one ends; mutators that run out of memory quote them.
    const uint64_t live_bytes = report_.live_bytes;
    report_ = CycleReport{};
    report_.live_bytes = live_bytes;
    report_.number = Read(heap_->statistics.cycles) + 1;
    marking_released_ = false;
    view_is_new_ = false;
    Enter(CycleStep::kPrepare, Phase::kMarking);
    marker_->tracing().root_copies().BeginCycle();
  }
  heap_->NotePeak();
  return marker_->tracing().root_copies().Provide(deadline_ns) && marker_->Prepare(gang_, deadline_ns);
}

bool Collector::RootsPause(uint64_t limit_ns) {
  FAULTLINE_CHECK(phase() == Phase::kMarking, "marking is prepared first", static_cast<uint64_t>(phase()));
  FAULTLINE_CHECK(!marking_begun_ || marker_->has_rounds(), "roots are taken once, but for rounds");
  Handshake& handshake = heap_->handshake;
  if (!handshake.TryStop(limit_ns)) return false;
  const bool first = !marking_begun_;
  if (first) LookForStaleReferences();
  marking_begun_ = true;
  if (first) {
    marking_begin_ns_ = handshake.stopped_ns();
    if (marker_->decides_at_start()) DecideHere();
  } else {
    ++report_.marking_rounds;
  }
  marker_->TakeRoots(gang_);
  ResumeToTrace();
  return true;
}

// Tracing would follow a stale reference that the program has stored.
void Collector::LookForStaleReferences() {
  if (heap_->poisons) VerifyHeap(*heap_);
}

void Collector::ResumeToTrace() {
  const PauseTimes times = EndPause(&heap_->statistics.mark_start_pause);
  report_.mark_start_safepoint_ns = times.safepoint_ns;
  report_.mark_start_pause_ns = times.pause_ns;
}

void Collector::DecideHere() {
  RetireAllTlabs();
  heap_->regions.CloseForMarking(heap_->tables.marked_pages.data());
}

bool Collector::Trace(uint64_t deadline_ns) {
  DelayAt(DelayPoint::kTracing);
  if (!marker_->Trace(gang_, deadline_ns) || !marker_->tracing().root_copies().Provide(deadline_ns)) return false;
  if (report_.marking_rounds > 0) report_.written_pages += marker_->written_pages();
  return true;
}

MarkPauseOutcome Collector::MarkPause(uint64_t limit_ns, uint64_t most_written_pages) {
  FAULTLINE_CHECK(phase() == Phase::kMarking, "marking is prepared first", static_cast<uint64_t>(phase()));
  Handshake& handshake = heap_->handshake;
  if (!handshake.TryStop(limit_ns)) return MarkPauseOutcome::kNotStopped;
  if (!marker_->BeginFinishOrRound(gang_, most_written_pages)) {
    ++report_.marking_rounds;
    ResumeToTrace();
    return MarkPauseOutcome::kAnotherRound;
  }
  const uint64_t stopped_ns = handshake.stopped_ns();
  if (!marker_->concurrent()) {
    LookForStaleReferences();
    marking_begin_ns_ = stopped_ns;
  }
  if (!marker_->decides_at_start()) DecideHere();
  marker_->Finish(gang_);
  marking_begun_ = false;
  report_.marked_objects = marker_->marked_objects();
  report_.live_bytes = marker_->live_words() * kWordBytes;
  report_.remark_pages = marker_->written_pages();
  report_.marking_ns = NowNs() - marking_begin_ns_;
  if (options_.verify) {
    const uint64_t objects = VerifyMarks(*heap_);
    FAULTLINE_CHECK(marker_->concurrent() || objects == report_.marked_objects, "(M) marking found exactly what is reachable", objects,
                    report_.marked_objects);
  }
  weak_phase_.Begin();
  Enter(marker_->concurrent() ? CycleStep::kRemark : CycleStep::kMark, Phase::kMarked);
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
  if (heap_->poisons) PoisonDead(*heap_);
  report_.swept_regions = heap_->regions.SweepDead(heap_->tables.live_word_counts.data(), heap_->tables.marked_pages.data(),
                                                   [&starts](WordIndex object) { return starts.Test(object); });
  heap_->pins.CheckRegions(*heap_);
  if (report_.swept_regions > 0) {
    heap_->TellMemoryMayBeFree();
  }
  return report_.swept_regions;
}

}  // namespace faultline
