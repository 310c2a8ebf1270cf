// Youngest first: the order in which compaction visits regions; a region is born when it is taken.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "heap/layout.h"

namespace faultline {

// `born(region)` may change at any time: mutators take regions while this runs.  So it is called once for each; a sort whose keys change
// may run past the end of its array.
template <typename Born>
std::vector<RegionIndex> YoungestFirst(std::vector<RegionIndex> regions, Born born) {
  struct Aged {
    uint32_t birth;
    RegionIndex region;
  };
  std::vector<Aged> aged;
  aged.reserve(regions.size());
  for (const RegionIndex region : regions) aged.push_back({born(region), region});
  std::stable_sort(aged.begin(), aged.end(), [](const Aged& a, const Aged& b) { return a.birth > b.birth; });
  std::transform(aged.begin(), aged.end(), regions.begin(), [](const Aged& each) { return each.region; });
  return regions;
}

}  // namespace faultline
