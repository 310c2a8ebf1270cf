// The stopped marker: everything is traced inside one pause.  The baseline, and the fallback where the kernel has no write tracking.
#pragma once

#include "gc/marking/mark_preparation.h"
#include "gc/marking/marker.h"
#include "gc/marking/tracing.h"

namespace faultline {

class StoppedMarker final : public Marker {
 public:
  explicit StoppedMarker(Heap* heap) : preparation_(heap), tracing_(heap, nullptr) {}

  MarkerKind kind() const override { return MarkerKind::kStopped; }
  bool concurrent() const override { return false; }
  bool Prepare(Gang& gang, uint64_t deadline_ns) override { return preparation_.Run(gang, deadline_ns); }
  void Finish(Gang& gang) override {
    tracing_.Reset();
    tracing_.CopyRoots(gang);
    tracing_.RunToEnd(gang);
    tracing_.Publish();
  }
  bool Release(Gang&, uint64_t) override {
    preparation_.Reset();
    return true;
  }
  Tracing& tracing() override { return tracing_; }
  uint64_t marked_objects() const override { return tracing_.marked_objects(); }
  uint64_t live_words() const override { return tracing_.marked_words(); }

 private:
  MarkPreparation preparation_;
  Tracing tracing_;
};

}  // namespace faultline
