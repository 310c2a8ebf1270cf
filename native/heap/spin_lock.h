// Spin lock: a word of a heap object, 0 while no thread holds the lock.  It is held for well under a microsecond, unless its holder lost
// its CPU or waits for a page; so a thread spins for a while, and its caller tries again after a safepoint.
#pragma once

#include <cstdint>

#include "os/futex.h"

namespace faultline {

constexpr uint32_t kSpinLockTries = 2000;

// Acquire: pairs with the store by which the holder releases the lock.
inline bool TrySpinLock(uint32_t* word) {
  for (uint32_t i = 0; i < kSpinLockTries; ++i) {
    uint32_t expected = 0;
    if (__atomic_compare_exchange_n(word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return true;
    CpuRelax();
  }
  return false;
}

}  // namespace faultline
