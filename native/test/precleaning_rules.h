// The rules of src/gc/policy/precleaning.ts, for native programs that mark as a heap in use does.  Both versions are checked against
// test/gc/precleaning-cases.txt.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace faultline::test {

inline constexpr uint64_t kUnbounded = 0xffff'ffff;

// `pages`: what each round so far has found.
inline bool AnotherRound(const std::vector<uint64_t>& pages) {
  if (pages.empty()) return true;
  const double last = static_cast<double>(pages.back());
  if (pages.size() >= 12 || last <= 64) return false;
  if (pages.size() < 2) return true;
  const double fewest = static_cast<double>(*std::min_element(pages.begin(), pages.end() - 1));
  return last < 0.75 * fewest || last > 1.5 * fewest;
}

// `deferrals`: what each round that the last pause became looked at.
inline uint64_t MostPagesInPause(const std::vector<uint64_t>& deferrals) {
  int budget = 16;
  for (const uint64_t pages : deferrals) budget -= pages > 1024 ? 8 : pages > 256 ? 2 : 1;
  return budget <= 0 ? kUnbounded : budget <= 4 ? 256 : 128;
}

}  // namespace faultline::test
