// Places: which of the free regions is taken for what.
//
//     0 ──── mixed regions ────▶ │                        │ ◀──── leaf regions ──── end
//     ╰────── front zone ───────╯
//
// A free region whose pages are in the file is worth more than another: a new page costs the system ten times as much.  But a mixed region
// among the leaf ones costs more than new pages: each flip takes it away as a range of its own, and marking tracks the writes to all leaf
// regions before it.
#include <algorithm>

#include "heap/regions.h"
#include "os/invariant.h"

namespace faultline {

RegionIndex Regions::FindFromFront() {
  // The lowest free region, so that the heap stays dense at the front and large objects find room at the back.  With late reuse, the next
  // free one after the last that was taken, wrapping around at the end.
  const uint32_t turns = reuses_late_ ? count_ : end() - std::min(search_from_, end());
  const RegionIndex from = search_from_;
  for (uint32_t turn = 0; turn < turns; ++turn) {
    const RegionIndex i((from + turn) % count_);
    if (!IsFree(i)) continue;
    search_from_ = i + 1;
    return i;
  }
  return kNone;
}

RegionIndex Regions::FindFromBack() {
  RegionIndex last = kNone;
  for (RegionIndex i = search_below_; i > 0 && last == kNone;) {
    --i;
    if (IsFree(i)) last = i;
  }
  if (last == kNone) return kNone;
  search_below_ = last + 1;
  // One with pages, unless others lie behind it.
  for (RegionIndex i = last + 1; i > 0;) {
    --i;
    if (IsFree(i) && HasPages(i)) return i;
    if (use_[i].state != RegionState::kFree && !IsLeaf(use_[i].kind)) break;
  }
  return last;
}

RegionIndex Regions::FindFreeRun(uint32_t needed, RegionIndex end, RegionKind kind) const {
  uint32_t run = 0;
  if (has_two_ends() && !IsLeaf(kind)) {
    for (RegionIndex i{1}; i < end; ++i) {
      run = IsFree(i) ? run + 1 : 0;
      if (run >= needed) return i + 1 - needed;
    }
    return kNone;
  }
  // From the back: small objects fill the heap from the front.
  for (RegionIndex i = end; i > 1;) {
    --i;
    run = IsFree(i) ? run + 1 : 0;
    if (run >= needed) return i;
  }
  return kNone;
}

Regions::Zones Regions::FindZones() const {
  Zones zones{RegionIndex{0}, end()};
  for (const RegionIndex i : committed_) {
    if (use_[i].state == RegionState::kFree) continue;
    if (IsLeaf(use_[i].kind)) {
      zones.leaves_begin = i;
      return zones;
    }
    zones.front_end = i + 1;
  }
  return zones;
}

void Regions::AppendFree(RegionIndex begin, RegionIndex end, bool have_pages, std::vector<RegionIndex>* regions) const {
  for (RegionIndex i = begin; i < end; ++i) {
    if (IsFree(i) && HasPages(i) == have_pages) regions->push_back(i);
  }
}

std::vector<RegionIndex> Regions::PlacesForMixed() const {
  const Zones zones = FindZones();
  std::vector<RegionIndex> places;
  for (const bool have_pages : {true, false}) AppendFree(RegionIndex{0}, zones.leaves_begin, have_pages, &places);
  for (const bool have_pages : {true, false}) AppendFree(zones.leaves_begin, end(), have_pages, &places);
  return places;
}

std::vector<RegionIndex> Regions::PlacesForLeaves(uint32_t wanted, const std::vector<RegionIndex>& sources) const {
  const RegionIndex begin = FindZones().front_end;
  std::vector<bool> is_source(count_);
  for (const RegionIndex source : sources) is_source[source] = true;
  // Stretches of free regions with pages, the ends of each being regions that stay.
  std::vector<std::vector<RegionIndex>> stretches(1);
  for (RegionIndex i = end(); i > begin;) {
    --i;
    if (IsFree(i)) {
      if (HasPages(i)) stretches.back().push_back(i);
    } else if (!is_source[i] && !stretches.back().empty()) {
      stretches.emplace_back();
    }
  }
  // As few stretches as possible, each of which may be a range that a flip takes away: the smallest one that has room for all that is left,
  // or else the largest.
  std::vector<RegionIndex> places;
  while (!stretches.empty()) {
    const size_t left = wanted - std::min<size_t>(wanted, places.size());
    const auto is_better = [left](const auto& a, const auto& b) {
      const bool a_suffices = a.size() >= left;
      if (a_suffices != (b.size() >= left)) return a_suffices;
      return a_suffices ? a.size() < b.size() : a.size() > b.size();
    };
    const auto best = std::min_element(stretches.begin(), stretches.end(), is_better);
    places.insert(places.end(), best->begin(), best->end());
    stretches.erase(best);
  }
  std::vector<RegionIndex> others;
  for (const bool have_pages : {false, true}) AppendFree(RegionIndex{0}, begin, have_pages, &others);
  AppendFree(begin, end(), false, &others);
  places.insert(places.end(), others.rbegin(), others.rend());
  return places;
}

uint32_t Regions::ReserveTargets(uint32_t wanted, std::vector<RegionIndex>* targets, RegionKind kind,
                                 const std::vector<RegionIndex>& sources) {
  const LockGuard guard(lock_);
  const auto reserve = [&](RegionIndex region) {
    SetState(region, RegionState::kTarget);
    __atomic_store_n(&born_[region], 0, __ATOMIC_RELAXED);
    targets->push_back(region);
  };
  std::vector<RegionIndex> places;
  if (has_two_ends() && !lacks_contiguous_) {
    places = IsLeaf(kind) ? PlacesForLeaves(wanted - static_cast<uint32_t>(targets->size()), sources) : PlacesForMixed();
  } else if (!reuses_late_) {
    AppendFree(RegionIndex{0}, end(), true, &places);
  }
  for (const RegionIndex i : places) {
    if (targets->size() >= wanted) break;
    Take(i);
    reserve(i);
  }
  RegionIndex region;
  while (targets->size() < wanted && TakeFree(&region, kind)) reserve(region);
  return static_cast<uint32_t>(targets->size());
}

size_t Regions::KeptAtFront(const std::vector<RegionIndex>& free, size_t kept) const {
  if (!has_two_ends()) return kept;
  const LockGuard guard(lock_);
  uint64_t used = 0;
  uint64_t leaf = 0;
  for (const RegionIndex i : committed_) {
    if (use_[i].state == RegionState::kFree) continue;
    ++used;
    if (IsLeaf(use_[i].kind)) ++leaf;
  }
  const size_t share = used == 0 ? kept : kept - static_cast<size_t>(kept * leaf / used);
  // Mixed regions have no other place than the front zone.
  const size_t in_zone = static_cast<size_t>(std::lower_bound(free.begin(), free.end(), FindZones().front_end) - free.begin());
  return std::min(kept, std::max(share, in_zone));
}

}  // namespace faultline
