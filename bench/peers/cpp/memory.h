// Memory: the one thing in which the C++ peers differ.  With FAULTLINE_BDWGC objects come from bdwgc and nobody frees them; else they
// come from malloc and the mutator frees each when it becomes unreachable.  The workloads are the same source for both.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifdef FAULTLINE_BDWGC
#define GC_THREADS
#include <gc.h>
#endif

namespace faultline::peers {

#ifdef FAULTLINE_BDWGC

inline constexpr bool kCollected = true;
// Zeroed.
inline void* AllocateBytes(size_t bytes) { return GC_MALLOC(bytes); }
// Zeroed; never searched for references.
inline void* AllocateData(size_t bytes) {
  void* data = GC_MALLOC_ATOMIC(bytes);
  return std::memset(data, 0, bytes);
}
inline void Free(void*) {}
// Zeroed; searched for references, and never collected: where a mutator's roots are.
inline void* AllocateRoots(size_t bytes) { return GC_MALLOC_UNCOLLECTABLE(bytes); }

#else

inline constexpr bool kCollected = false;
[[noreturn]] void ReportOutOfMemory();
inline void* AllocateBytes(size_t bytes) {
  void* memory = std::calloc(1, bytes);
  if (memory == nullptr) ReportOutOfMemory();
  return memory;
}
inline void* AllocateData(size_t bytes) { return AllocateBytes(bytes); }
inline void Free(void* memory) { std::free(memory); }
inline void* AllocateRoots(size_t bytes) { return AllocateBytes(bytes); }

#endif

}  // namespace faultline::peers
