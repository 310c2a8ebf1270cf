#include "heap/pins.h"

#include <iterator>

#include "heap/heap.h"
#include "os/invariant.h"

namespace faultline {

bool Pins::CanPin(Heap& heap, WordIndex object) {
  const RegionIndex region = RegionOf(object);
  if (region >= heap.regions.count() || object != FirstWordOfRegion(region)) return false;
  if (heap.regions.use(region).state != RegionState::kLarge) return false;
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
    FAULTLINE_CHECK(heap.regions.use(RegionOf(WordIndex(entry.object))).state == RegionState::kLarge,
                    "(N) the regions of a pinned object are its own", entry.object);
  }
}

}  // namespace faultline
