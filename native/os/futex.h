// Futex: sleep on a 32-bit word until another thread signals a change.  Async-signal-safe, allocates nothing.
//
// Every wait here has a time limit.  A JavaScript thread that waits must return to JavaScript from time to time, or worker.terminate() and
// process.exit() could not end it.
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline {

// Sleeps while *word == expected, for at most `limit_ns`.  May wake early; the caller tests its condition again.
void FutexWait(std::atomic<uint32_t>* word, uint32_t expected, uint64_t limit_ns);

void FutexWakeAll(std::atomic<uint32_t>* word);

// One step of a bounded spin: tells the CPU that this is a wait loop.
inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace faultline
