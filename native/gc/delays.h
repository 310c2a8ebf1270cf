// Delays: seeded waits at named points, so that tests can bring rare interleavings about.  Off costs one relaxed load.
#pragma once

#include <cstdint>

namespace faultline {

enum class DelayPoint : uint8_t { kClaimed, kBuilt, kBeforeShow, kGateEntered, kBeforeDisarm, kBeforeRoots, kRefill, kTracing, kClearing, kControlResumed };

// 0 switches delays off.
void SetDelaySeed(uint64_t seed);

// Waits between nothing and about 200 us, depending on the seed, the point and how often it was reached.
// Async-signal-safe.
void DelayAt(DelayPoint point);

}  // namespace faultline
