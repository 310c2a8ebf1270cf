// Pins: the objects whose addresses have left the heap: a system call or native code reads and writes their bytes.
//
// Three laws (N), each checked where it could be broken:
//   A pinned object never moves and has its pages to itself.  Only large objects and those in pinnable regions can be pinned (Add); no plan
//   takes their regions.
//   It is alive.  A pin is a root; the sweep checks that no region of a pinned object became free (CheckRegions).
//   It holds no references (Add).  The kernel's write tracking does not see writes through another mapping.
//
// One lock, held for one search of the list.  Mutators, and finalizers on their threads, add and remove pins, even while parked; pauses and
// the verifier read them.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>

#include "heap/layout.h"
#include "os/lock.h"

namespace faultline {

class Heap;

class Pins {
 public:
  struct Entry {
    uint32_t object = 0;  // A root slot.
    uint64_t bytes = 0;
  };
  using Pin = std::list<Entry>::iterator;

  // Whether the object can be pinned; it may lie anywhere.  The caller is a running mutator.
  static bool CanPin(Heap& heap, WordIndex object);
  // An object may be pinned several times.
  Pin Add(Heap& heap, WordIndex object, uint64_t bytes);
  void Remove(Pin pin);

  template <typename Visit>
  void ForEachRoot(Visit visit) {
    const LockGuard guard(lock_);
    for (Entry& entry : entries_) visit(&entry.object);
  }

  // Checks (N), after a sweep and in the verifier.
  void CheckRegions(Heap& heap);

  // Relaxed: for statistics.
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  Lock lock_;
  std::list<Entry> entries_;
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace faultline
