// ThreadDirectory: which mutator a thread is, looked up by whoever serves a fault for it.
//
// Readers take no lock: they run in fault threads.  A thread whose fault is being served is blocked in it, so its entry
// stays; entries of other threads are compared by number and never followed.
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline {

class Mutator;

class ThreadDirectory {
 public:
  // More mutators than this work, but the time of their faults is not attributed to them.
  static constexpr uint32_t kEntries = 1024;

  void Add(uint32_t thread, Mutator* mutator) {
    for (Entry& entry : entries_) {
      uint32_t nobody = 0;
      if (entry.thread.load(std::memory_order_relaxed) != 0) continue;
      if (!entry.thread.compare_exchange_strong(nobody, kTaken, std::memory_order_relaxed)) continue;
      entry.mutator = mutator;
      entry.thread.store(thread, std::memory_order_release);  // Partner: Find.
      return;
    }
  }

  void Remove(uint32_t thread) {
    for (Entry& entry : entries_) {
      if (entry.thread.load(std::memory_order_relaxed) == thread) entry.thread.store(0, std::memory_order_relaxed);
    }
  }

  Mutator* Find(uint32_t thread) const {
    for (const Entry& entry : entries_) {
      if (entry.thread.load(std::memory_order_acquire) == thread) return entry.mutator;
    }
    return nullptr;
  }

 private:
  static constexpr uint32_t kTaken = ~0u;  // No thread has this number.
  struct Entry {
    std::atomic<uint32_t> thread{0};
    Mutator* mutator = nullptr;
  };
  Entry entries_[kEntries];
};

}  // namespace faultline
