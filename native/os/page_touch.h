// Touching a page: makes the kernel map it, and changes nothing.
#pragma once

#include <cstdint>

namespace faultline {

// Writes back what is there, atomically, since another thread may be writing the page through the same view; ThreadSanitizer would report a
// race with plain accesses to it.
#if defined(__SANITIZE_THREAD__)
__attribute__((noinline, no_sanitize_thread))
#endif
inline void TouchPage(uint8_t* byte) {
  __atomic_fetch_or(byte, 0, __ATOMIC_RELAXED);
}

}  // namespace faultline
