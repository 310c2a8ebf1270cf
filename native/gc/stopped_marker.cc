#include "gc/marker.h"

#include "gc/marking.h"
#include "os/clock.h"
#include "os/invariant.h"

namespace faultline {

// Before the pause: clears the bitmaps of used regions and fills the alias's page tables, so that the pause neither clears
// nor faults.
class StoppedMarker::PrepareJob final : public Job {
 public:
  explicit PrepareJob(StoppedMarker* marker) : marker_(marker), heap_(marker->heap_) {}

  bool Run(uint32_t, uint64_t deadline_ns) override {
    const RegionIndex count = heap_->regions.count();
    while (NowNs() < deadline_ns) {
      // Relaxed: the cursor only divides the work; the gang orders its results.
      const RegionIndex region = marker_->prepare_cursor_.fetch_add(1, std::memory_order_relaxed);
      if (region >= count) return true;
      if (heap_->tables.live_word_counts[region] != 0) {
        heap_->tables.object_starts.ClearRegion(region);
        heap_->tables.live_word_counts[region] = 0;
      }
      const RegionUse use = heap_->regions.use(region);
      if (use.state == RegionState::kFree || use.used_pages == 0) continue;
      // A refusal only means that marking will take these faults itself.
      (void)heap_->views.PopulateAlias(size_t{region} * kRegionBytes, size_t{use.used_pages} * kPageBytes).ok();
    }
    return false;
  }

  bool Exhausted() const override {
    return marker_->prepare_cursor_.load(std::memory_order_relaxed) >= heap_->regions.count();
  }

 private:
  StoppedMarker* marker_;
  Heap* heap_;
};

class StoppedMarker::TraceJob final : public Job {
 public:
  TraceJob(StoppedMarker* marker, Heap* heap) : marker_(marker), heap_(heap) {}

  bool Run(uint32_t worker, uint64_t) override {
    if (pool_.done()) return true;
    pool_.Join();
    Tracer tracer(heap_, &pool_);
    if (worker == Gang::kControlWorker) MarkRoots(tracer);
    tracer.Drain();
    const std::lock_guard<std::mutex> guard(publish_);
    tracer.Publish();
    marker_->marked_objects_ += tracer.marked_objects();
    marker_->live_words_ += tracer.marked_words();
    return true;
  }

  bool Exhausted() const override { return pool_.done(); }

  // Keeps helpers that join before the roots are marked from concluding that there is nothing to do.
  void HoldOpen() { pool_.Join(); }

 private:
  void MarkRoots(Tracer& tracer) {
    const auto mark = [&tracer](uint32_t* slot) { tracer.MarkReference(*slot, 0); };
    for (uint32_t i = 0; i < kSharedRootSlots; ++i) {
      if (heap_->shared_roots[i] != 0) mark(&heap_->shared_roots[i]);
    }
    for (Mutator* mutator : heap_->handshake.mutators()) mutator->ForEachRoot(mark);
    pool_.Release();
  }

  StoppedMarker* marker_;
  Heap* heap_;
  MarkPool pool_;
  std::mutex publish_;
};

StoppedMarker::StoppedMarker(Heap* heap) : heap_(heap) {}

StoppedMarker::~StoppedMarker() = default;

bool StoppedMarker::Prepare(Gang& gang, uint64_t deadline_ns) {
  if (prepared_) return true;
  if (prepare_job_ == nullptr) {
    prepare_cursor_.store(0, std::memory_order_relaxed);
    prepare_job_ = std::make_unique<PrepareJob>(this);
  }
  if (!gang.RunSlice(prepare_job_.get(), deadline_ns)) return false;
  prepare_job_.reset();
  marked_objects_ = live_words_ = 0;
  prepared_ = true;
  return true;
}

void StoppedMarker::Finish(Gang& gang) {
  FAULTLINE_CHECK(prepared_, "marking is prepared before the pause");
  TraceJob job(this, heap_);
  job.HoldOpen();
  gang.RunToEnd(&job);
  prepared_ = false;
}

}  // namespace faultline
