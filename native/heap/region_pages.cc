// The pages of regions: which free ones are kept and mapped, and which are given back to the system.
#include <algorithm>

#include "heap/regions.h"
#include "os/invariant.h"

namespace faultline {

void Regions::CommittedFree(std::vector<RegionIndex>* regions) const {
  const LockGuard guard(lock_);
  for (const RegionIndex i : committed_) {
    if (use_[i].state == RegionState::kFree && clean_from_[i] > 0 && punching_[i] == 0) regions->push_back(i);
  }
}

void Regions::NoteProvided(RegionIndex target, uint32_t pages) {
  const LockGuard guard(lock_);
  FAULTLINE_CHECK(use_[target].state == RegionState::kTarget, "pages are provided for a target", target);
  clean_from_[target] = std::max<uint16_t>(clean_from_[target], static_cast<uint16_t>(pages));
}

bool Regions::BeginPunch(RegionIndex region) {
  const LockGuard guard(lock_);
  if (use_[region].state != RegionState::kFree || clean_from_[region] == 0) return false;
  punching_[region] = 1;
  return true;
}

void Regions::EndPunch(RegionIndex region, bool punched) {
  const LockGuard guard(lock_);
  // A large object may have been freed meanwhile, and its tail with it: the pages before the punched ones are still dirty.
  if (punched) {
    clean_from_[region] = static_cast<uint16_t>(punching_[region] - 1);
    mapped_[region] = Mapped{};
    if (clean_from_[region] == 0) committed_.Remove(region);
  }
  punching_[region] = 0;
  NoteFree(region);
}

PageRun Regions::UnmappedFree(RegionIndex region) const {
  const LockGuard guard(lock_);
  PageRun run;
  const Mapped& mapped = mapped_[region];
  const uint32_t committed = clean_from_[region];
  if (use_[region].state != RegionState::kFree || use_[region].used_pages != 0 || punching_[region] != 0) return run;
  if (mapped.view == view_ && mapped.from == 0 && mapped.to >= committed) return run;
  run.first = FirstPageOfRegion(region);
  run.count = committed;
  return run;
}

void Regions::NoteMappedFree(const PageRun& run) {
  const LockGuard guard(lock_);
  const RegionIndex region = RegionOfPage(run.first);
  // If it was taken meanwhile, the thread that took it has mapped it and noted that.
  if (use_[region].state != RegionState::kFree || punching_[region] != 0) return;
  mapped_[region] = {view_, 0, static_cast<uint16_t>(run.count)};
}

PageRun Regions::BeginPunchTail(RegionIndex region) {
  const LockGuard guard(lock_);
  PageRun run;
  const RegionUse use = use_[region];
  const bool settled = use.state == RegionState::kLive || use.state == RegionState::kLarge || use.state == RegionState::kLargeTail;
  if (!settled || clean_from_[region] <= use.used_pages) return run;
  run.first = FirstPageOfRegion(region) + use.used_pages;
  run.count = clean_from_[region] - use.used_pages;
  punching_[region] = static_cast<uint16_t>(use.used_pages + 1);
  return run;
}

}  // namespace faultline
