// Lock: the mutex of this library, held for a few instructions at a time.
//
//   (H) A thread that waits in this library is parked in all its heaps, and holds no lock: a running thread, for which a pause waits, may
//       want the lock.
//
// Each thread counts the locks it holds, and every wait of ours checks the count (os/futex.cc).
#pragma once

#include <cstdint>
#include <mutex>

namespace faultline {

class Lock {
 public:
  void lock() {
    mutex_.lock();
    ++held_;
  }
  void unlock() {
    --held_;
    mutex_.unlock();
  }

  // The number of locks that the calling thread holds.  Async-signal-safe.
  static uint32_t HeldByThisThread() { return held_; }

 private:
  static inline __attribute__((tls_model("initial-exec"))) thread_local uint32_t held_ = 0;

  std::mutex mutex_;
};

using LockGuard = std::lock_guard<Lock>;

}  // namespace faultline
