// Weak finds: what a tracer has come upon that holds objects weakly, for the time after the last strong reference was followed.
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

// One tracer's finds.  The same place may be there several times: an object is looked into again whenever its page was written.
struct WeakFinds {
  // u32 slots of the heap whose objects were not marked when they were looked at.
  std::vector<uint32_t> slots;

  void Clear() { slots.clear(); }
};
// All tracers', and the ephemerons whose keys were not marked (gc/marking/ephemeron_table.h; those of table 0 are none).  Taken over in the
// remark pause, so nothing is copied.
struct AllWeakFinds {
  std::vector<std::vector<uint32_t>> slots;
  std::vector<std::vector<Ephemeron>> ephemerons;

  bool empty() const { return slots.empty() && ephemerons.empty(); }
};
// 16 GiB of u32 slots.
static_assert(uint64_t{kMaxRegions} * kRegionWords * 2 <= uint64_t{1} << 32, "the number of a u32 slot fits a u32");

}  // namespace faultline
