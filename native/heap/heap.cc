#include "heap/heap.h"

#include "os/futex.h"
#include "os/random.h"

namespace faultline {

Status Heap::Create(const Options& options) {
  if (Status status = FillRandom(&hash_key, sizeof(hash_key)); !status.ok()) return status;
  if (Status status = regions.Create(options.capacity_regions, options.reserve_regions); !status.ok()) return status;
  if (Status status = tables.Create(regions.count()); !status.ok()) return status;
  if (Status status = shapes.Create(hash_key); !status.ok()) return status;
  if (Status status = file.Create(bytes()); !status.ok()) return status;
  if (Status status = views.Create(file, options.mutator_view, options.core_dumps); !status.ok()) return status;
  tlab_pages = options.tlab_pages;
  separates_kinds = options.capacity_regions >= kLeastSeparatedRegions;
  poisons = options.poisons;
  if (poisons) regions.ReuseLate(RegionIndex(options.first_region % regions.count()));
  shared_roots = options.shared_roots;
  if (shared_roots == nullptr) {
    if (Status status = own_roots_.Create(kSharedRootSlots); !status.ok()) return status;
    shared_roots = own_roots_.data();
  }
  if (!options.barriered_loads) return {};
  unsettled = options.unsettled;
  if (unsettled == nullptr) {
    if (Status status = own_unsettled_.Create(regions.count()); !status.ok()) return status;
    unsettled = own_unsettled_.data();
  }
  return {};
}

void Heap::TellMemoryMayBeFree() {
  memory_epoch.fetch_add(1, std::memory_order_release);  // Partner: the acquire load before a wait.
  FutexWakeAll(&memory_epoch);
}

void Heap::NotePeak() {
  const uint64_t now = file.AllocatedBytes();
  uint64_t peak = statistics.peak_file_bytes.load(std::memory_order_relaxed);
  while (now > peak && !statistics.peak_file_bytes.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace faultline
