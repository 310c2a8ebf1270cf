// Weak finds: the slots and pairs that hold objects weakly which tracers found, kept until all strong references have been followed.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/layout.h"

namespace faultline {

// A pair of key and value: one element of a table.
struct Ephemeron {
  WordIndex table;
  uint32_t index;
};

// One tracer's finds.  A slot may occur several times: an object is traced again whenever its page was written.
struct WeakFinds {
  // u32 slots of the heap whose objects were not marked when the slots were read.
  std::vector<uint32_t> slots;

  void Clear() { slots.clear(); }
};
// The finds of all tracers, and the ephemerons whose keys were not marked (gc/marking/ephemeron_table.h; entries with table 0 are empty).
// Moved in the remark pause, not copied.
struct AllWeakFinds {
  std::vector<std::vector<uint32_t>> slots;
  std::vector<std::vector<Ephemeron>> ephemerons;

  bool empty() const { return slots.empty() && ephemerons.empty(); }
};
// 16 GiB of u32 slots.
static_assert(uint64_t{kMaxRegions} * kRegionWords * 2 <= uint64_t{1} << 32, "the number of a u32 slot fits a u32");

}  // namespace faultline
