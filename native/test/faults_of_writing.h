// How many faults the calling thread takes when it writes to pages, as counted by the kernel.
#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>

#include "heap/layout.h"

namespace faultline::test {

// A sanitizer's own memory would fault too.
#if defined(__SANITIZE_THREAD__)
#define FAULTLINE_UNINSTRUMENTED __attribute__((noinline, no_sanitize_thread))
#elif defined(__SANITIZE_ADDRESS__)
#define FAULTLINE_UNINSTRUMENTED __attribute__((noinline, no_sanitize_address))
#else
#define FAULTLINE_UNINSTRUMENTED
#endif

// Also those that the kernel takes on the thread's behalf while it populates a range.
FAULTLINE_UNINSTRUMENTED inline uint64_t MinorFaultsOfThread() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_minflt);
}

// One byte of each page.
FAULTLINE_UNINSTRUMENTED inline uint64_t FaultsOfWriting(uint8_t* view, size_t pages) {
  const uint64_t before = MinorFaultsOfThread();
  for (size_t page = 0; page < pages; ++page) view[page * kPageBytes] = 1;
  return MinorFaultsOfThread() - before;
}

}  // namespace faultline::test
