// ThreadDirectory: maps threads to their mutators, for the thread that serves their faults.
//
// The reader is the thread that serves faults; it takes no lock.  Between BeginReading and EndReading an entry that it found stays valid: a
// mutator that removes itself waits until the reader is out.  (A thread whose fault is being served is blocked in that fault, so this wait
// is for a message that came late, and short.)
//
//   Remove        entry.thread = kTaken seq_cst, then waits for reading == 0 (seq_cst), then entry.thread = 0
//   BeginReading  reading = 1 seq_cst, then reads entries: one of the two sees the other
//
// The search begins at the place that the thread's number selects, where the entry mostly is: threads are numbered consecutively.
//
// The entry is free for others only after that wait; otherwise a reader that has matched the old thread could read the new one's mutator.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

namespace faultline {

class Mutator;

class ThreadDirectory {
 public:
  // More mutators than this are possible, but the time of their faults is not attributed to them.
  static constexpr uint32_t kEntries = 1024;

  void Add(uint32_t thread, Mutator* mutator) {
    for (uint32_t i = 0; i < kEntries; ++i) {
      Entry& entry = entries_[(thread + i) % kEntries];
      uint32_t nobody = 0;
      if (entry.thread.load(std::memory_order_relaxed) != 0) continue;
      if (!entry.thread.compare_exchange_strong(nobody, kTaken, std::memory_order_acquire)) continue;  // Partner: Remove.
      entry.mutator = mutator;
      entry.thread.store(thread, std::memory_order_release);  // Partner: Find.
      return;
    }
  }

  void Remove(uint32_t thread) {
    for (uint32_t i = 0; i < kEntries; ++i) {
      Entry& entry = entries_[(thread + i) % kEntries];
      if (entry.thread.load(std::memory_order_relaxed) != thread) continue;
      entry.thread.store(kTaken, std::memory_order_seq_cst);
      while (reading_.load(std::memory_order_seq_cst)) sched_yield();
      entry.thread.store(0, std::memory_order_release);  // Partner: Add.
      return;
    }
  }

  void BeginReading() { reading_.store(true, std::memory_order_seq_cst); }
  void EndReading() { reading_.store(false, std::memory_order_release); }

  Mutator* Find(uint32_t thread) const {
    for (uint32_t i = 0; i < kEntries; ++i) {
      const Entry& entry = entries_[(thread + i) % kEntries];
      if (entry.thread.load(std::memory_order_seq_cst) == thread) return entry.mutator;
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
  std::atomic<bool> reading_{false};
};

}  // namespace faultline
