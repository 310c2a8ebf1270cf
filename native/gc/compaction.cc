// Compaction: the steps around the flip.  The plan comes before it; after it every page is built, and the view becomes ordinary memory.
// After that the cycle is over, or another wave is planned from the same marks.
#include <algorithm>

#include "gc/collector.h"
#include "gc/compaction/compaction_job.h"
#include "gc/compaction/load_barrier_phase.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr uint32_t kRegionsEmptiedAtOnce = 16;
// Unmapped in one call, which takes 2 ms if all of it was mapped, and next to nothing if none was.
constexpr RegionIndex kRegionsUnmappedAtOnce{64};

}  // namespace

bool Collector::MakePlan(const std::vector<RegionIndex>& sources, uint32_t wanted_targets, std::vector<RegionIndex> later) {
  FAULTLINE_CHECK(phase() == Phase::kMarked, "a plan is made from fresh marks", static_cast<uint64_t>(phase()));
  const uint32_t planned = wanted_targets == 0 ? 0 : plan_.Make(gang_, sources, wanted_targets, later);
  if (report_.waves == 0) Add(heap_->statistics.cycles, 1);
  if (planned == 0) {
    heap_->regions.ReopenPartial();
    Enter(CycleStep::kPlan, Phase::kFinishing);
    return false;
  }
  std::erase_if(later, [this](RegionIndex region) { return heap_->tables.moving[region] != 0; });
  heap_->regions.ReopenPartial(later);
  report_.sources += planned;
  report_.targets += static_cast<uint32_t>(plan_.targets().size());
  report_.copied_bytes += plan_.live_words() * kWordBytes;
  Enter(CycleStep::kPlan, Phase::kPlanned);
  heap_->NotePeak();
  return true;
}

bool Collector::Compact(uint64_t deadline_ns) {
  if (phase() == Phase::kFinishing) return true;
  FAULTLINE_CHECK(phase() == Phase::kCompacting, "compaction follows a flip", static_cast<uint64_t>(phase()));
  pages_.fault_mode().KeepHandler();
  if (compaction_job_ == nullptr)
    compaction_job_ = std::make_unique<CompactionJob>(&pages_, plan_, root_pages_, CompactionJob::Showing::kYes);
  // While workers build, this thread empties scratch.
  while (gang_.serving() > 0 && NowNs() < deadline_ns && !EmptyScratchStep()) {
  }
  const bool done = gang_.RunSlice(compaction_job_.get(), deadline_ns);
  pages_.RecycleSources();
  if (!done) return false;
  compaction_job_.reset();
  heap_->NotePeak();
  Enter(CycleStep::kCompact, Phase::kFinishing);
  return true;
}

bool Collector::FinishWave(uint64_t deadline_ns) {
  FAULTLINE_CHECK(!plan_.sources().empty(), "a wave moves something");
  FAULTLINE_CHECK(heap_->tables.marks_targets, "(B) another wave comes only after one that has marked its targets");
  if (!EndCompaction(deadline_ns)) return false;
  EndWave();
  Enter(CycleStep::kFinish, Phase::kMarked);
  heap_->NotePeak();
  heap_->TellMemoryMayBeFree();
  return true;
}

bool Collector::Finish(uint64_t deadline_ns) {
  if (!EndCompaction(deadline_ns)) return false;
  if (!view_is_new_ && marker_->leaves_view_read_only() && !MakeViewWritable(deadline_ns)) return false;
  EndCycle();
  return true;
}

bool Collector::EndCompaction(uint64_t deadline_ns) {
  FAULTLINE_CHECK(phase() == Phase::kFinishing, "a compaction is finished last", static_cast<uint64_t>(phase()));
  if (!pages_.Disarm(deadline_ns)) return false;
  if (pages_.load_barrier() != nullptr && pages_.load_barrier()->raised()) {
    const uint64_t now = NowNs();
    if (!LowerLoadBarrier(deadline_ns > now ? deadline_ns - now : 0)) return false;
  }
  while (!EmptyScratchStep()) {
    if (NowNs() >= deadline_ns) return false;
  }
  return true;
}

bool Collector::EmptyScratchStep() {
  Views& views = heap_->views;
  return views.EmptyScratchPiece(heap_->StepFrom(views.scratch_emptied_bytes(), kRegionsEmptiedAtOnce));
}

bool Collector::LowerLoadBarrier(uint64_t limit_ns) {
  // (L4) Every page is built; a thread that still holds an old address has not reached its safepoint yet.
  if (!heap_->handshake.TryStop(limit_ns)) return false;
  pages_.load_barrier()->Lower(plan_);
  EndPause(&heap_->statistics.settled_pause);
  return true;
}

// The kernel leaves every page of a write-tracked range read-only, so the first write to each would fault once more.  A flip gives the
// view other page tables.  In a cycle without one this makes pages in use writable and unmaps the others, because mapping a page when it
// is taken costs less than making it writable.
bool Collector::MakeViewWritable(uint64_t deadline_ns) {
  const Regions& regions = heap_->regions;
  const auto used_bytes = [&regions](RegionIndex region) {
    const RegionUse use = regions.use(region);
    return use.state == RegionState::kFree ? 0 : size_t{use.used_pages} * kPageBytes;
  };
  const RegionIndex tracked_end(heap_->read_only_until.load(std::memory_order_relaxed));
  // Where nothing was committed while writes were tracked, nothing is mapped.
  while ((writable_until_ = regions.committed().Next(writable_until_)) < tracked_end) {
    if (NowNs() >= deadline_ns) return false;
    size_t begin = size_t{writable_until_} * kRegionBytes;
    // If either call is refused, mutators take these faults themselves.
    if (const size_t bytes = used_bytes(writable_until_); bytes > 0) {
      (void)heap_->views.PopulateMutatorView(begin, bytes).ok();
      begin += bytes;
    }
    RegionIndex end = writable_until_ + 1;
    while (end < tracked_end && end - writable_until_ < kRegionsUnmappedAtOnce && used_bytes(end) == 0) ++end;
    // A thread that is given pages of this range meanwhile faults on each once.
    const size_t bytes = size_t{end} * kRegionBytes - begin;
    if (bytes > 0) (void)heap_->views.UnmapMutatorView(begin, bytes).ok();
    writable_until_ = end;
  }
  writable_until_ = RegionIndex{0};
  heap_->regions.ForgetMapped([tracked_end](RegionIndex region) { return region < tracked_end; });
  heap_->read_only_until.store(0, std::memory_order_relaxed);
  return true;
}

void Collector::EndWave() {
  pages_.RecycleSources();
  // Nothing was moved, or the plan was cancelled.
  if (plan_.sources().empty()) return;
  for (const RegionIndex source : plan_.sources()) {
    FAULTLINE_CHECK(heap_->tables.unread_pages[source] == 0, "(F) every reader of a source is done", source);
  }
  Statistics& statistics = heap_->statistics;
  Add(statistics.evacuated_bytes, plan_.sources().size() * kRegionBytes);
  Add(statistics.copied_bytes, plan_.live_words() * kWordBytes);
  ++report_.waves;
  report_.pages_by_workers += Read(statistics.pages_by_workers) - workers_before_;
  report_.pages_by_mutators += Read(statistics.pages_by_mutators) - mutators_before_;
  report_.compaction_ns += NowNs() - compaction_begin_ns_;
  plan_.Seal();
}

void Collector::EndCycle() {
  EndWave();
  if (report_.waves > 0) Add(heap_->statistics.compacting_cycles, 1);
  heap_->regions.ReopenPartial();
  Enter(CycleStep::kFinish, Phase::kIdle);
  heap_->NotePeak();
  heap_->TellMemoryMayBeFree();
}

}  // namespace faultline
