#include "gc/marking/mark_preparation.h"

#include "os/clock.h"

namespace faultline {

class MarkPreparation::ClearJob final : public Job {
 public:
  explicit ClearJob(MarkPreparation* preparation) : preparation_(preparation), heap_(preparation->heap_) {}

  bool Run(uint32_t, uint64_t deadline_ns) override {
    while (NowNs() < deadline_ns) {
      const RegionIndex region = preparation_->TakeRegion();
      if (region >= heap_->regions.count()) return true;
      heap_->tables.ForgetMarks(region);
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

RegionIndex MarkPreparation::TakeRegion() {
  const RegionSet& committed = heap_->regions.committed();
  // Relaxed: the cursor only divides the work; the gang orders its results.
  uint32_t at = cursor_.load(std::memory_order_relaxed);
  RegionIndex region;
  do {
    region = committed.Next(RegionIndex(at));
  } while (!cursor_.compare_exchange_weak(at, region + 1, std::memory_order_relaxed));
  return region;
}

bool MarkPreparation::Run(Gang& gang, uint64_t deadline_ns) {
  if (done_) return true;
  if (job_ == nullptr) {
    cursor_.store(0, std::memory_order_relaxed);
    job_ = std::make_unique<ClearJob>(this);
  }
  if (!gang.RunSlice(job_.get(), deadline_ns, Gang::Start::kAlone)) return false;
  job_.reset();
  done_ = true;
  return true;
}

}  // namespace faultline
