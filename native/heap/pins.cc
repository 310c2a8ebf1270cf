#include "heap/pins.h"

#include <iterator>

#include "heap/heap.h"
#include "os/invariant.h"

namespace faultline {

namespace {

// Whether something that does not move begins there.
bool BeginsInPlace(const Heap& heap, WordIndex object) {
  const RegionUse use = heap.regions.use(RegionOf(object));
  if (use.state == RegionState::kLarge) return object == FirstWordOfRegion(RegionOf(object));
  // Each has a run of pages to itself, whose records say where the run begins (heap/allocation.h).
  return use.kind == RegionKind::kPinnable && PageOf(object) % kRegionPages < use.used_pages &&
         heap.tables.page_records[PageOf(object)].start == object;
}

}  // namespace

bool Pins::CanPin(Heap& heap, WordIndex object) {
  if (RegionOf(object) >= heap.regions.count() || !BeginsInPlace(heap, object)) return false;
  const ShapeId shape = heap.MutatorHeaderOf(object).shape;
  return heap.shapes.IsValid(shape) && heap.shapes[shape].has_references == 0;
}

Pins::Pin Pins::Add(Heap& heap, WordIndex object, uint64_t bytes) {
  FAULTLINE_CHECK(CanPin(heap, object), "(N) what is pinned does not move and holds no references", object);
  const LockGuard guard(lock_);
  entries_.push_back({object, bytes});
  count_.fetch_add(1, std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return std::prev(entries_.end());
}

void Pins::Remove(Pin pin) {
  const LockGuard guard(lock_);
  count_.fetch_sub(1, std::memory_order_relaxed);
  bytes_.fetch_sub(pin->bytes, std::memory_order_relaxed);
  entries_.erase(pin);
}

void Pins::CheckRegions(Heap& heap) {
  const LockGuard guard(lock_);
  for (const Entry& entry : entries_) {
    FAULTLINE_CHECK(BeginsInPlace(heap, WordIndex(entry.object)), "(N) a pinned object is where it was", entry.object);
  }
}

}  // namespace faultline
