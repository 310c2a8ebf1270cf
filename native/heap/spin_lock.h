// Spin lock: a word of a heap object that is 0 while nobody holds the object.  What is done with it takes well under a microsecond, unless
// its owner lost its CPU or waits for a page; so it is tried for a while, and the caller comes back after a safepoint.
#pragma once

#include <cstdint>

#include "os/futex.h"

namespace faultline {

constexpr uint32_t kSpinLockTries = 2000;

// Acquire: pairs with the store by which the holder lets go.
inline bool TrySpinLock(uint32_t* word) {
  for (uint32_t i = 0; i < kSpinLockTries; ++i) {
    uint32_t expected = 0;
    if (__atomic_compare_exchange_n(word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return true;
    CpuRelax();
  }
  return false;
}

}  // namespace faultline
