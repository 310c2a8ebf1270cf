// Random: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", TOMS 2021), seeded by the 32-bit
// finalizer of MurmurHash3 over a Weyl sequence.  bench/workloads/random.ts draws the same numbers.
#pragma once

#include <bit>
#include <cstdint>

namespace faultline::bench {

// Spreads the bits of `value` over the result.
inline uint32_t Mixed(uint32_t value) {
  value ^= value >> 16;
  value *= 0x85ebca6bu;
  value ^= value >> 13;
  value *= 0xc2b2ae35u;
  return value ^ value >> 16;
}

class Random {
 public:
  explicit Random(uint32_t seed) {
    for (uint32_t& word : state_) word = Mixed(seed += 0x9e3779b9u);
  }

  uint32_t Next() {
    const uint32_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint32_t shifted = state_[1] << 9;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 11);
    return result;
  }

  // 0 up to, but not including, 1.
  double Fraction() { return Next() * 0x1p-32; }
  // 0 … limit - 1.
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(Fraction() * limit); }
  // The same, where small numbers are somewhat more likely: the square of a fraction.
  uint32_t Squared(uint32_t limit) {
    const double fraction = Fraction();
    return static_cast<uint32_t>(fraction * fraction * limit);
  }
  // The same, where small numbers are more likely: the cube of a fraction.
  uint32_t Skewed(uint32_t limit) {
    const double fraction = Fraction();
    return static_cast<uint32_t>(fraction * fraction * fraction * limit);
  }

 private:
  uint32_t state_[4];
};

}  // namespace faultline::bench
