// Lock: the mutex of this library, for a few instructions at a time.
//
//   (H) Who waits in this library is parked in all heaps, and holds no lock: somebody who runs, and whom a pause waits for, may want it.
//
// Each thread counts the locks it holds, and every wait of ours looks at the count (os/futex.cc).
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

  // How many the calling thread holds.  Async-signal-safe.
  static uint32_t HeldByThisThread() { return held_; }

 private:
  static inline __attribute__((tls_model("initial-exec"))) thread_local uint32_t held_ = 0;

  std::mutex mutex_;
};

using LockGuard = std::lock_guard<Lock>;

}  // namespace faultline
