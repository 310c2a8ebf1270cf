#include "gc/marking/marker.h"

#include "gc/marking/barrier_free_marker.h"
#include "gc/marking/satb_marker.h"
#include "gc/marking/stopped_marker.h"

namespace faultline {

const char* NameOf(MarkerKind kind) {
  switch (kind) {
    case MarkerKind::kBarrierFree:
      return "barrier-free";
    case MarkerKind::kSatb:
      return "satb";
    case MarkerKind::kStopped:
      return "stopped";
  }
  return "?";
}

std::unique_ptr<Marker> MakeMarker(MarkerKind kind, Heap* heap) {
  switch (kind) {
    case MarkerKind::kBarrierFree:
      return std::make_unique<BarrierFreeMarker>(heap);
    case MarkerKind::kSatb:
      return std::make_unique<SatbMarker>(heap);
    case MarkerKind::kStopped:
      return std::make_unique<StoppedMarker>(heap);
  }
  return nullptr;
}

}  // namespace faultline
