// BareFault: the round trip of a fault that needs no work, in a given mode.  It is the lower bound that fault service is compared with, and
// gives the part of a fault that the handler itself cannot see (delivery and return).
#pragma once

#include <cstdint>

#include "gc/faults/fault_mode.h"
#include "os/result.h"

namespace faultline {

struct BareFault {
  uint64_t round_trip_p50_ns = 0;
  uint64_t round_trip_p99_ns = 0;
  uint64_t delivery_p50_ns = 0;  // Round trip minus the time in the handler.
};

// Touches `count` pages (at most 4096) of a small file of its own on the calling thread.  Takes about 5 us each, 40 in
// thread mode.
Result<BareFault> MeasureBareFault(FaultModeKind kind, uint32_t count);

}  // namespace faultline
