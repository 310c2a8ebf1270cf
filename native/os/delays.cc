#include "os/delays.h"

#include <time.h>

#include <atomic>

#include "os/clock.h"
#include "os/futex.h"

namespace faultline {

namespace {

// Whether there is a seed or a hook.  Relaxed: a test sets them while no thread is at a point that matters to it.
std::atomic<bool> delaying{false};
std::atomic<uint64_t> delay_seed{0};
std::atomic<DelayHook> delay_hook{nullptr};
std::atomic<uint64_t> reached{0};

void NoteWhetherDelaying() {
  const bool any = delay_seed.load(std::memory_order_relaxed) != 0 || delay_hook.load(std::memory_order_relaxed) != nullptr;
  delaying.store(any, std::memory_order_relaxed);
}

// SplitMix64 (Steele, Lea & Flood 2014).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

}  // namespace

void SetDelaySeed(uint64_t seed) {
  delay_seed.store(seed, std::memory_order_relaxed);
  NoteWhetherDelaying();
}

void SetDelayHook(DelayHook hook) {
  delay_hook.store(hook, std::memory_order_release);  // Partner: DelayAt.  The hook may use data written before it was set.
  NoteWhetherDelaying();
}

void DelayAt(DelayPoint point) {
  if (__builtin_expect(!delaying.load(std::memory_order_relaxed), 1)) return;
  if (const DelayHook hook = delay_hook.load(std::memory_order_acquire); hook != nullptr) hook(point);
  const uint64_t seed = delay_seed.load(std::memory_order_relaxed);
  if (seed == 0) return;
  const uint64_t random = Mix(seed ^ (static_cast<uint64_t>(point) << 56) ^ reached.fetch_add(1, std::memory_order_relaxed));
  switch (random & 15) {
    case 0: {
      const timespec pause = {0, static_cast<long>((random >> 8) % 200'000)};
      nanosleep(&pause, nullptr);
      return;
    }
    case 1:
    case 2:
    case 3: {
      const uint64_t until = NowNs() + (random >> 8) % 10'000;
      while (NowNs() < until) CpuRelax();
      return;
    }
    default:
      return;
  }
}

}  // namespace faultline
