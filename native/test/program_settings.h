// Settings under which the random programs run, and how to run one: with every marker in every fault mode that this machine has.
#pragma once

#include <functional>

#include "test_heap.h"

namespace faultline::test {

struct ProgramSetting {
  MarkerKind marker;
  FaultModeKind mode;
  uint32_t workers;
  uint32_t rounds;  // Of precleaning, at most.
};

inline TestHeap::Options OptionsOf(const ProgramSetting& setting, uint64_t seed, uint32_t capacity_regions) {
  TestHeap::Options options;
  options.marker = setting.marker;
  options.mode = setting.mode;
  options.workers = setting.workers;
  options.rounds = setting.rounds;
  options.capacity_regions = capacity_regions;
  options.reserve_regions = 4;
  // Half of the runs with delays at critical points.
  options.delay_seed = seed % 2 == 0 ? 0 : seed;
  options.waves = 1 + seed % 3;
  return options;
}

// For each marker: once in each of `modes`, and then with each of the `others`, whose marker is set.
inline void ForEachSetting(const std::vector<FaultModeKind>& modes, const std::vector<ProgramSetting>& others,
                           const std::function<void(const ProgramSetting&)>& run) {
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (!MarkerWorks(marker)) continue;
    for (const FaultModeKind mode : modes) run({marker, mode, 1, 2});
    for (ProgramSetting other : others) {
      other.marker = marker;
      run(other);
    }
  }
}

}  // namespace faultline::test
