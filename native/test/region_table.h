// A region table alone, with a marking that a test makes up.
#pragma once

#include <algorithm>

#include "test_heap.h"

namespace faultline::test {

struct Table {
  Table(uint32_t capacity, uint32_t reserve) : marked(capacity + reserve), live(capacity + reserve) {
    EXPECT(regions.Create(capacity, reserve).ok());
  }
  // A marking that finds `live_words` in each region that `dead` does not name.
  uint32_t Mark(const std::vector<RegionIndex>& dead) {
    regions.CloseForMarking(marked.data());
    for (RegionIndex i{0}; i < regions.count(); ++i) {
      live[i] = marked[i] > 0 && std::find(dead.begin(), dead.end(), i) == dead.end() ? 1 : 0;
    }
    return regions.SweepDead(live.data(), marked.data(), [&](WordIndex word) { return live[RegionOf(word)] != 0; });
  }
  Regions regions;
  std::vector<uint16_t> marked;
  std::vector<uint32_t> live;
};

}  // namespace faultline::test
