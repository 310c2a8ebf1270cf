#include "gc/delays.h"

#include <time.h>

#include <atomic>

#include "os/clock.h"
#include "os/futex.h"

namespace faultline {

namespace {

std::atomic<uint64_t> delay_seed{0};
std::atomic<uint64_t> reached{0};

// SplitMix64 (Steele, Lea & Flood 2014).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

}  // namespace

void SetDelaySeed(uint64_t seed) { delay_seed.store(seed, std::memory_order_relaxed); }

void DelayAt(DelayPoint point) {
  const uint64_t seed = delay_seed.load(std::memory_order_relaxed);
  if (__builtin_expect(seed == 0, 1)) return;
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
