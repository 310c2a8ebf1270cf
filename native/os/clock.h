// Clocks: monotonic time in nanoseconds, async-signal-safe (vDSO), and the CPU time of other threads.
#pragma once

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>

namespace faultline {

inline uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000ull + static_cast<uint64_t>(now.tv_nsec);
}

// CPU time of the calling thread.
inline uint64_t ThreadCpuNs() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000ull + static_cast<uint64_t>(used.tv_nsec);
}

// The CPU time of one thread, read by any thread.
class ThreadCpuClock {
 public:
  // From now on this is the clock of the calling thread; its CPU time so far does not count.  One system call if the thread changes.
  void Adopt() {
    clockid_t clock = 0;
    if (pthread_getcpuclockid(pthread_self(), &clock) != 0 || clock == clock_.load(std::memory_order_relaxed)) return;
    begin_ns_.store(ThreadCpuNs(), std::memory_order_relaxed);
    clock_.store(clock, std::memory_order_relaxed);
  }
  // 0 if there is no thread, or it has ended.
  uint64_t Ns() const {
    const clockid_t clock = clock_.load(std::memory_order_relaxed);
    timespec used;
    if (clock == kNone || clock_gettime(clock, &used) != 0) return 0;
    const uint64_t now = static_cast<uint64_t>(used.tv_sec) * 1'000'000'000ull + static_cast<uint64_t>(used.tv_nsec);
    const uint64_t begin = begin_ns_.load(std::memory_order_relaxed);
    return now > begin ? now - begin : 0;
  }

 private:
  static constexpr clockid_t kNone = CLOCK_REALTIME;  // No thread's clock has this number.
  std::atomic<clockid_t> clock_{kNone};
  std::atomic<uint64_t> begin_ns_{0};
};

inline constexpr uint64_t kNsPerUs = 1'000;
inline constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace faultline
