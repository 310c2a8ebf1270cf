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
  // The calling thread is the one from now on.  No system call.
  void Adopt() {
    clockid_t clock = 0;
    if (pthread_getcpuclockid(pthread_self(), &clock) == 0) clock_.store(clock, std::memory_order_relaxed);
  }
  // 0 when there is none, or when it has ended.
  uint64_t Ns() const {
    const clockid_t clock = clock_.load(std::memory_order_relaxed);
    timespec used;
    if (clock == kNone || clock_gettime(clock, &used) != 0) return 0;
    return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000ull + static_cast<uint64_t>(used.tv_nsec);
  }

 private:
  static constexpr clockid_t kNone = CLOCK_REALTIME;  // No thread's clock has this number.
  std::atomic<clockid_t> clock_{kNone};
};

inline constexpr uint64_t kNsPerUs = 1'000;
inline constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace faultline
