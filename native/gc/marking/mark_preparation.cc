#include "gc/marking/mark_preparation.h"

#include "os/clock.h"

namespace faultline {

class MarkPreparation::ClearJob final : public Job {
 public:
  explicit ClearJob(MarkPreparation* preparation) : preparation_(preparation), heap_(preparation->heap_) {}

  bool Run(uint32_t, uint64_t deadline_ns) override {
    const uint32_t count = heap_->regions.count();
    while (NowNs() < deadline_ns) {
      // Relaxed: the cursor only divides the work; the gang orders its results.
      const RegionIndex region(preparation_->cursor_.fetch_add(1, std::memory_order_relaxed));
      if (region >= count) return true;
      if (heap_->tables.live_word_counts[region] != 0) {
        heap_->tables.object_starts.ClearRegion(region);
        heap_->tables.live_word_counts[region] = 0;
      }
      const RegionUse use = heap_->regions.use(region);
      if (use.state == RegionState::kFree || use.used_pages == 0) continue;
      // If refused, marking takes these faults itself.
      (void)heap_->views.PopulateAlias(size_t{region} * kRegionBytes, size_t{use.used_pages} * kPageBytes).ok();
    }
    return false;
  }

  bool Exhausted() const override { return preparation_->cursor_.load(std::memory_order_relaxed) >= heap_->regions.count(); }

 private:
  MarkPreparation* preparation_;
  Heap* heap_;
};

bool MarkPreparation::Run(Gang& gang, uint64_t deadline_ns) {
  if (done_) return true;
  if (job_ == nullptr) {
    cursor_.store(0, std::memory_order_relaxed);
    job_ = std::make_unique<ClearJob>(this);
  }
  if (!gang.RunSlice(job_.get(), deadline_ns)) return false;
  job_.reset();
  done_ = true;
  return true;
}

}  // namespace faultline
