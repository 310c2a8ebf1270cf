// Sets of regions, and which regions of a heap are committed (E).
#include <algorithm>
#include <set>

#include "test_heap.h"

namespace faultline::test {
namespace {

void ASetHasWhatWasPutIntoItInOrder() {
  for (const uint32_t count : {1u, 63u, 64u, 65u, 200u, 1024u}) {
    RegionSet set;
    EXPECT(set.Create(count).ok());
    std::set<uint32_t> model;
    Random random(count);
    EXPECT(set.Next(0_region) == count && set.StretchEnd(0_region, 3) == count);
    for (uint32_t step = 0; step < 400; ++step) {
      const RegionIndex region(random.Below(count));
      if (random.Chance(55)) {
        set.Insert(region);
        model.insert(region);
      } else {
        set.Remove(region);
        model.erase(region);
      }
      const RegionIndex from(random.Below(count + 2));
      const auto next = model.lower_bound(from);
      EXPECT(set.Has(region) == model.contains(region) && set.Next(from) == (next == model.end() ? count : *next));
      auto at = model.begin();
      for (const RegionIndex each : set) EXPECT(at != model.end() && each == *at++);
      EXPECT(at == model.end());
      // Those that fit lie before the end, the next one at it.
      const uint32_t most = random.Below(5);
      const RegionIndex end = set.StretchEnd(from, most);
      const auto stretch_end = model.lower_bound(end);
      EXPECT(std::distance(next, stretch_end) <= most);
      EXPECT(end == count || (std::distance(next, stretch_end) == most && *stretch_end == end));
    }
  }
}

// A region table, and a model of which regions may have pages in the file.
class CommittedModel {
 public:
  explicit CommittedModel(uint64_t seed) : random_(seed) { EXPECT(regions_.Create(kCapacity, kReserve).ok()); }

  void Allocate() {
    for (uint32_t take = random_.Below(12); take > 0; --take) Note(regions_.TakePages(1 + random_.Below(90), random_.Below(200)));
    for (uint32_t take = random_.Below(3); take > 0; --take) {
      const PageRun run = regions_.TakeLarge(kLargeObjectWords + 1 + random_.Below(2 * kRegionWords));
      if (run.count == 0) continue;
      Note(run);
      random_.Chance(70) ? regions_.CommitLarge(RegionOfPage(run.first)) : regions_.AbandonLarge(RegionOfPage(run.first));
    }
  }

  void MarkAndSweep(uint32_t live_percent) {
    std::vector<uint16_t> marked(kRegions);
    std::vector<uint32_t> live(kRegions);
    regions_.CloseForMarking(marked.data());
    for (uint32_t& words : live) words = random_.Chance(live_percent) ? 1 : 0;
    regions_.SweepDead(live.data(), marked.data(), [&](WordIndex word) { return live[RegionOf(word)] != 0; });
  }

  void Evacuate() {
    std::vector<RegionIndex> targets;
    regions_.ReserveTargets(random_.Below(4), &targets);
    for (const RegionIndex target : targets) {
      if (target == 0) has_pages_[0] = true;  // Page 0 counts as used.
      if (random_.Chance(40)) continue;
      regions_.NoteProvided(target, 1 + random_.Below(kRegionPages));
      has_pages_[target] = true;
    }
    std::vector<RegionIndex> sources;
    for (const RegionIndex region : regions_.committed()) {
      if (sources.size() < targets.size() && regions_.use(region).state == RegionState::kLive) sources.push_back(region);
    }
    for (; targets.size() > sources.size(); targets.pop_back()) regions_.ReleaseTarget(targets.back());
    Check();
    regions_.CommitPlan(sources, targets);
    if (random_.Chance(30)) {
      regions_.CancelPlan(sources, targets);
    } else {
      for (const RegionIndex source : sources) regions_.FreeSource(source);
      for (const RegionIndex target : targets) regions_.FinishTarget(target, has_pages_[target] ? random_.Below(kRegionPages) : 0);
    }
    regions_.ReopenPartial();
  }

  void GiveBack(uint32_t percent) {
    std::vector<RegionIndex> free;
    regions_.CommittedFree(&free);
    for (const RegionIndex region : free) {
      if (!random_.Chance(percent)) continue;
      EXPECT(regions_.BeginPunch(region));
      const bool punched = percent == 100 || random_.Chance(80);
      regions_.EndPunch(region, punched);
      if (punched) has_pages_[region] = false;
    }
  }

  void Check() const {
    std::vector<RegionIndex> free;
    regions_.CommittedFree(&free);
    for (RegionIndex region{0}; region < kRegions; ++region) {
      const bool in_use = regions_.use(region).state != RegionState::kFree;
      EXPECT(regions_.committed().Has(region) == (in_use || has_pages_[region]));
      EXPECT((std::find(free.begin(), free.end(), region) != free.end()) == (!in_use && has_pages_[region]));
    }
  }

  bool IsEmpty() const { return regions_.free_count() == kRegions && regions_.committed().Next(0_region) == kRegions; }

 private:
  static constexpr uint32_t kCapacity = 70;
  static constexpr uint32_t kReserve = 4;
  static constexpr uint32_t kRegions = kCapacity + kReserve;

  void Note(const PageRun& run) {
    for (uint32_t page = 0; page < run.count; ++page) has_pages_[RegionOfPage(run.first + page)] = true;
  }

  Random random_;
  Regions regions_;
  std::vector<bool> has_pages_ = std::vector<bool>(kRegions);
};

void ARegionIsCommittedFromItsTakingUntilItsPagesAreTheSystems() {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    CommittedModel model(seed);
    for (uint32_t cycle = 0; cycle < 8; ++cycle) {
      model.Allocate();
      model.Check();
      model.MarkAndSweep(60);
      model.Check();
      model.Evacuate();
      model.Check();
      model.GiveBack(60);
      model.Check();
    }
    model.MarkAndSweep(0);
    model.GiveBack(100);
    EXPECT(model.IsEmpty());
  }
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  ASetHasWhatWasPutIntoItInOrder();
  ARegionIsCommittedFromItsTakingUntilItsPagesAreTheSystems();
  return 0;
}
