// The plan and the address function against a naive sliding compactor, on random heaps.
//
// A heap here has regions that are empty, full, half full or hold a single object; region 0, whose first page is never
// used, is a source in some and a target in others.  Object sizes straddle blocks (64 words), pages and half regions.
#include <algorithm>
#include <cinttypes>
#include <set>

#include "os/refusals.h"
#include "synthetic_heap.h"

namespace faultline::test {
namespace {

struct Figures {
  uint64_t plans = 0, cut = 0, split = 0, zero_source = 0, zero_target = 0, nothing = 0, refused = 0, larger = 0;
  uint64_t leaf_targets = 0;
  uint64_t mixed_targets = 0;
  uint64_t shared_targets = 0;  // Of leaves and others.
} figures;

// Every object has the address of the naive model, inside one target, and order is kept.
void CheckAddresses(SyntheticHeap& test, const Plan& plan, const std::map<WordIndex, WordIndex>& model) {
  const Forwarding forwarding(test.heap.tables);
  const std::set<RegionIndex> sources(plan.sources().begin(), plan.sources().end());
  const std::set<RegionIndex> targets(plan.targets().begin(), plan.targets().end());
  for (const RegionIndex target : targets) EXPECT(!sources.contains(target));  // (T)
  for (const auto& [at, object] : test.objects) {
    if (!object.live) continue;
    const WordIndex to = forwarding.NewAddress(at);
    EXPECT(forwarding.Moves(at) == sources.contains(RegionOf(at)));
    if (!sources.contains(RegionOf(at))) {
      EXPECT(to == at);
      continue;
    }
    EXPECT(to == model.at(at));
    EXPECT(targets.contains(RegionOf(to)) && RegionOf(to) == RegionOf(to + object.words - 1));
    EXPECT(to >= kPageWords);
  }
  WordIndex before{0};
  std::set<WordIndex> seen;
  for (const RegionIndex source : plan.sources()) {
    for (auto it = test.objects.lower_bound(FirstWordOfRegion(source)); it != test.objects.end() && RegionOf(it->first) == source; ++it) {
      if (!it->second.live) continue;
      const WordIndex to = forwarding.NewAddress(it->first);
      EXPECT(to >= before);  // Order is kept, nothing overlaps.
      before = to + it->second.words;
    }
  }
  EXPECT(forwarding.NewReference(0) == 0);
}

// The plan's page counts are what building the target pages really reads, each source's last page included.
void CheckReaders(SyntheticHeap& test, const Plan& plan) {
  Heap& heap = test.heap;
  heap.regions.Freeze(heap.tables.frozen.data());
  CountingRelease release(heap.regions.count());
  PageBuilder builder(&heap, &release);
  for (const RegionIndex target : plan.targets()) {
    const uint32_t pages = plan.UsedPagesOfTarget(target);
    EXPECT(pages > 0);
    for (PageIndex page = FirstPageOfRegion(target) + (target == 0 ? 1 : 0); page < FirstPageOfRegion(target) + pages; ++page) {
      EXPECT(builder.TreatmentOf(page) == Treatment::kTarget);
      builder.Build(page);
    }
    if (pages < kRegionPages) EXPECT(builder.TreatmentOf(FirstPageOfRegion(target) + pages) == Treatment::kNone);
  }
  for (const RegionIndex source : plan.sources()) EXPECT(release.reads[source] == heap.tables.unread_pages[source]);
}

// (R) A leaf target gets leaves alone; where leaves and others have a target each, that of the leaves is a leaf one.
void CheckKinds(const SyntheticHeap& test, const Plan& plan, const std::map<WordIndex, WordIndex>& model) {
  const auto is_leaf = [&](RegionIndex region) { return test.heap.regions.use(region).kind == RegionKind::kLeaf; };
  for (const RegionIndex target : plan.targets()) {
    uint32_t leaves = 0;
    uint32_t others = 0;
    for (const auto& [from, to] : model) {
      if (RegionOf(to) == target) ++(is_leaf(RegionOf(from)) ? leaves : others);
    }
    EXPECT(leaves + others > 0 && is_leaf(target) == (others == 0));
    ++(is_leaf(target) ? figures.leaf_targets : others > 0 && leaves > 0 ? figures.shared_targets : figures.mixed_targets);
  }
}

// `most` is what was charged before, and what the plan was allowed to take beside its sources.
void CheckBudget(const SyntheticHeap& test, uint32_t most) {
  uint32_t used = 0;
  for (RegionIndex region{0}; region < test.heap.regions.count(); ++region) {
    const RegionState state = test.heap.regions.use(region).state;
    EXPECT(state == RegionState::kFree || state == RegionState::kLive || state == RegionState::kLarge || state == RegionState::kLargeTail);
    used += state != RegionState::kFree ? 1 : 0;
  }
  EXPECT(test.heap.regions.charged() == used);
  EXPECT(test.heap.regions.free_count() == test.heap.regions.count() - used);
  EXPECT(used <= most);
}

enum class End { kFinish, kCancel };

void OneHeap(Random& random, uint32_t refuse_target, End end) {
  const uint32_t filled = 2 + random.Below(6);
  const uint32_t regions = filled + 1 + random.Below(3);
  SyntheticHeap test(regions);
  test.TakeRegions(filled, [&](RegionIndex) { return random.Chance(30); });
  const uint32_t style = random.Below(5);
  for (RegionIndex region{0}; region < filled; ++region) {
    const uint32_t choices[] = {0, 100, 50, random.Below(101), random.Below(10)};
    test.FillRegion(region, choices[style == 4 ? random.Below(5) : style], random);
  }
  test.EndMarking();
  std::vector<RegionIndex> wished = test.LiveRegions();
  if (random.Chance(30)) std::reverse(wished.begin(), wished.end());  // Evacuation order is the caller's.
  if (random.Chance(30) && !wished.empty()) wished.pop_back();
  std::vector<RegionIndex> sources;
  for (const RegionIndex region : test.InEvacuationOrder(wished)) {
    sources.push_back(region);
  }
  const uint32_t charged = test.heap.regions.charged();
  const uint32_t wanted = random.Chance(50) ? static_cast<uint32_t>(wished.size()) + 1 : 1 + random.Below(3);
  std::vector<RegionIndex> targets = test.FreeRegions(wanted);
  // The system has no memory for one of the targets: the plan does with those before it.
  if (refuse_target != ~0u) {
    // Two calls before that are for what is to be known of each source.
    ArmRefusal(SystemCall::kPopulate, ENOMEM, 2 * static_cast<uint32_t>(wished.size()) + refuse_target, 1);
    std::map<WordIndex, WordIndex> all;
    test.Model(sources, targets, &all);
    std::set<RegionIndex> used;
    for (const auto& [from, to] : all) used.insert(RegionOf(to));
    // Sources that are dropped leave no trace in their targets, so `used` is what gets pages.
    if (refuse_target < used.size()) {
      targets.resize(refuse_target);
      ++figures.refused;
    }
  }
  std::map<WordIndex, WordIndex> model;
  const size_t fit = test.Model(sources, targets, &model);
  Plan plan(&test.heap);
  const uint32_t planned = plan.Make(test.gang, wished, wanted);
  ArmRefusal(SystemCall::kPopulate, 0, 0, 0);
  EXPECT(planned == fit);
  ++figures.plans;
  figures.cut += fit < sources.size() ? 1 : 0;
  figures.nothing += planned == 0 ? 1 : 0;
  if (planned == 0) {
    CheckBudget(test, charged);
    return;
  }
  EXPECT(std::equal(plan.sources().begin(), plan.sources().end(), sources.begin()));
  // What is lost at the ends of targets can take more targets than there are sources, if the caller allowed so many.
  EXPECT(plan.targets().size() <= wanted);
  const auto beside = static_cast<uint32_t>(plan.targets().size() - std::min(plan.targets().size(), plan.sources().size()));
  figures.larger += beside;
  for (const RegionIndex source : plan.sources()) {
    figures.split += test.heap.tables.forward[source].split != ~0u ? 1 : 0;
    figures.zero_source += source == 0 ? 1 : 0;
  }
  for (const RegionIndex target : plan.targets()) figures.zero_target += target == 0 ? 1 : 0;
  CheckAddresses(test, plan, model);
  CheckReaders(test, plan);
  CheckKinds(test, plan, model);
  if (end == End::kCancel) {
    plan.Cancel();
    CheckBudget(test, charged);
  } else {
    for (const RegionIndex source : plan.sources()) test.heap.regions.FreeSource(source);
    plan.Seal();
    CheckBudget(test, charged + beside);
  }
}

// The first target holds exactly, or all but `short_of` words of, the first source and the first object of the second.
void AnObjectThatJustFitsStaysAndOneThatIsAWordTooLongGoesOn(int short_of, uint32_t gap) {
  SyntheticHeap test(5);
  test.TakeRegions(3);  // Region 0 is dead, so it is the first target.
  const uint32_t room = kRegionWords - kPageWords;
  const uint32_t first = kLargeObjectWords;
  const uint32_t second = 40000;
  const WordIndex a = FirstWordOfRegion(1_region);
  const WordIndex b = FirstWordOfRegion(2_region) + gap;
  test.Place(a, test.data, first - 1, true);
  test.Place(a + first + 7, test.data, second - 1, true);
  const uint32_t rest = room - first - second - static_cast<uint32_t>(short_of);
  test.Place(b, test.data, rest - 1, true);
  test.Place(b + rest, test.data, 0, true);
  test.Place(b + rest + 1, test.data, 99, true);
  test.EndMarking();
  std::map<WordIndex, WordIndex> model;
  EXPECT(test.Model({1_region, 2_region}, {0_region, 3_region}, &model) == 2);
  Plan plan(&test.heap);
  EXPECT(plan.Make(test.gang, {1_region, 2_region}, 2) == 2);
  EXPECT((RegionOf(model.at(b)) == 0) == (short_of >= 0));
  EXPECT((RegionOf(model.at(b + rest)) == 0) == (short_of >= 1));
  CheckAddresses(test, plan, model);
  CheckReaders(test, plan);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261122);
  Random random(seed);
  for (int short_of = -1; short_of <= 2; ++short_of) {
    for (const uint32_t gap : {0u, 1u, 63u, 64u, 70u}) AnObjectThatJustFitsStaysAndOneThatIsAWordTooLongGoesOn(short_of, gap);
  }
  const uint32_t heaps = ShortForm() ? 60 : 250;
  for (uint32_t i = 0; i < heaps; ++i) {
    const uint32_t refuse = i % 3 == 2 ? random.Below(3) : ~0u;
    OneHeap(random, refuse, random.Chance(20) ? End::kCancel : End::kFinish);
  }
  std::printf("%" PRIu64 " plans, %" PRIu64 " cut down, %" PRIu64 " for want of memory, %" PRIu64 " empty, %" PRIu64
              " larger than its sources, %" PRIu64 " splits, region 0 source %" PRIu64 " times, target %" PRIu64 " times\n",
              figures.plans, figures.cut, figures.refused, figures.nothing, figures.larger, figures.split, figures.zero_source,
              figures.zero_target);
  // The situations did occur.
  EXPECT(figures.cut > 0 && figures.split > 0 && figures.zero_source > 0 && figures.zero_target > 0);
  EXPECT(figures.refused > 0 && figures.nothing > 0);
  EXPECT(figures.leaf_targets > 0 && figures.mixed_targets > 0 && figures.shared_targets > 0);
  return 0;
}
