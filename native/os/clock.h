// Monotonic time in nanoseconds.  Async-signal-safe (vDSO).
#pragma once

#include <time.h>

#include <cstdint>

namespace faultline {

inline uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000ull + static_cast<uint64_t>(now.tv_nsec);
}

inline constexpr uint64_t kNsPerUs = 1'000;
inline constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace faultline
