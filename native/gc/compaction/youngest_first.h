// Youngest first: the order in which compaction visits regions; a region is born when it is taken.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "heap/layout.h"

namespace faultline {

// `born(region)` may change at any time: mutators take regions while this runs.  So it is called once for each; a sort whose keys change
// may run past the end of its array.
template <typename Born>
std::vector<RegionIndex> YoungestFirst(uint32_t count, Born born) {
  std::vector<uint32_t> births(count);
  for (RegionIndex region{0}; region < count; ++region) births[region] = born(region);
  std::vector<RegionIndex> order(count);
  std::iota(order.begin(), order.end(), RegionIndex{0});
  std::stable_sort(order.begin(), order.end(), [&births](RegionIndex a, RegionIndex b) { return births[a] > births[b]; });
  return order;
}

}  // namespace faultline
