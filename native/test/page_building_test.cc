// Page building against a model that moves whole objects: pages built one by one in random order give, byte for byte, the
// model's heap, with the POPCNT instruction and without it, with the marks that another wave needs and without them.
//
// The situations are first constructed (an object across pages, a slot to the object before and after, a page without
// an object's start, the last partial page, …), then random.
#include <algorithm>
#include <cinttypes>
#include <numeric>
#include <set>

#include "synthetic_heap.h"

namespace faultline::test {
namespace {

uint64_t pages_built[6] = {};

// Everything from the plan to the last page.  `moves` names the sources.
void BuildAndCompare(SyntheticHeap& test, const std::vector<RegionIndex>& moves, Random& random) {
  Heap& heap = test.heap;
  const std::vector<RegionIndex> targets = test.FreeRegions(static_cast<uint32_t>(moves.size()) + 1);
  std::map<WordIndex, WordIndex> moved;
  const size_t fit = test.Model(moves, targets, &moved);
  Plan plan(&heap);
  // Another wave follows where something is left to move; a free region is as good for that.
  const bool another_wave = random.Chance(50);
  const std::vector<RegionIndex> later = another_wave ? std::vector<RegionIndex>{targets.back()} : std::vector<RegionIndex>{};
  EXPECT(plan.Make(test.gang, moves, static_cast<uint32_t>(moves.size()) + 1, later) == fit);
  RetireTlabs(heap, test.mutator);
  heap.regions.Freeze(heap.tables.frozen.data());
  std::vector<uint64_t> before = test.Image();
  // Targets hold old data that must not shine through.
  for (const RegionIndex target : plan.targets()) {
    std::fill_n(before.begin() + FirstWordOfRegion(target) + (target == 0 ? kPageWords : 0), kRegionWords - (target == 0 ? kPageWords : 0),
                0xdeaddeaddeaddeadull);
  }
  const std::vector<uint64_t> expected = test.ModelImage(before, moved);

  for (const bool popcnt : {false, true}) {
    if (popcnt && !PageBuilder::CpuHasPopcnt()) continue;
    for (const bool shuffled : {false, true}) {
      test.Restore(before);
      CountingRelease release(heap.regions.count());
      PageBuilder builder(&heap, &release);
      builder.UsePopcnt(popcnt);
      std::vector<PageIndex> pages(heap.page_count());
      std::iota(pages.begin(), pages.end(), 0_page);
      for (size_t i = pages.size(); shuffled && i > 1; --i) std::swap(pages[i - 1], pages[random.Below(static_cast<uint32_t>(i))]);
      for (const PageIndex page : pages) {
        const Treatment treatment = builder.TreatmentOf(page);
        ++pages_built[static_cast<uint32_t>(treatment)];
        if (treatment != Treatment::kNone) builder.Build(page);
      }
      const uint64_t* const actual = heap.words();
      for (uint64_t word = 0; word < expected.size(); ++word) {
        if (actual[word] == expected[word]) continue;
        std::fprintf(stderr, "region %u, page %u, word %u: %016" PRIx64 " instead of %016" PRIx64 " (was %016" PRIx64 ")\n",
                     uint32_t{RegionOf(WordIndex(word))}, PageOf(WordIndex(word)) % kRegionPages, static_cast<uint32_t>(word % kPageWords),
                     actual[word], expected[word], before[word]);
        EXPECT(!"a page has the model's content");
      }
      for (const RegionIndex source : plan.sources()) EXPECT(release.reads[source] == heap.tables.unread_pages[source]);
      // (B) Where an object was copied to is a start bit if another wave follows, and no other in the target.
      std::set<WordIndex> starts;
      for (const auto& [from, to] : moved) {
        if (another_wave) starts.insert(to);
      }
      for (const RegionIndex target : plan.targets()) {
        const WordIndex end = FirstWordOfRegion(target) + kRegionWords;
        auto expected_start = starts.lower_bound(FirstWordOfRegion(target));
        for (WordIndex at = FirstWordOfRegion(target); (at = heap.tables.object_starts.FindNext(at, end)) < end; ++at) {
          EXPECT(expected_start != starts.end() && at == *expected_start++);
        }
        EXPECT(expected_start == starts.end() || *expected_start >= end);
      }
    }
  }
}

// A source (region 0), a region that stays (region 1) whose objects `lay_out` places, everything linked to everything.
template <typename LayOut>
void Situation(uint64_t seed, LayOut lay_out, bool stays) {
  Random random(seed);
  SyntheticHeap test(6);
  test.TakeRegions(3);
  test.FillOrdinary(kPageWords, kRegionWords, 60, random);
  lay_out(test, FirstWordOfRegion(1_region));
  test.FillOrdinary(FirstWordOfRegion(2_region), 3 * kRegionWords, 30, random);
  test.EndMarking();
  test.LinkAll(random);
  BuildAndCompare(test, stays ? std::vector<RegionIndex>{0_region, 2_region} : std::vector<RegionIndex>{0_region, 1_region, 2_region},
                  random);
}

void Situations(uint64_t seed) {
  for (const bool stays : {true, false}) {
    // An array of references across two pages, its header the last word of the first.
    Situation(seed, [](SyntheticHeap& t, WordIndex at) { t.Place(at + kPageWords - 1, t.array, 300, true); }, stays);
    // An object across several pages: a page in the middle has no object's start.
    Situation(seed, [](SyntheticHeap& t, WordIndex at) { t.Place(at + 100, t.array, 5 * kPageWords * 2 + 7, true); }, stays);
    // The same, with a dead object behind it on its last page, then a live one.
    Situation(
        seed,
        [](SyntheticHeap& t, WordIndex at) {
          t.Place(at + 100, t.array, 2 * kPageWords * 2, true);
          const WordIndex end = at + 100 + 2 + 2 * kPageWords;
          t.Place(end, t.mixed, 40, false);
          t.Place(end + 44, t.mixed, 2, true);
        },
        stays);
    // Objects that end exactly where a page ends, and start exactly where one starts.
    Situation(
        seed,
        [](SyntheticHeap& t, WordIndex at) {
          t.Place(at, t.mixed, kPageWords - 4, true);
          t.Place(at + kPageWords, t.array, (kPageWords - 2) * 2, true);
          t.Place(at + 2 * kPageWords, t.mixed, 0, true);
        },
        stays);
    // The last page of a region, filled to its last word by an object from the page before.
    Situation(
        seed,
        [](SyntheticHeap& t, WordIndex at) { t.Place(at + kRegionWords - kPageWords - 10, t.array, (kPageWords + 10 - 2) * 2, true); },
        stays);
    // One word, alone on the last word of a region.
    Situation(seed, [](SyntheticHeap& t, WordIndex at) { t.Place(at + kRegionWords - 1, t.data, 0, true); }, stays);
    // Half a region, with references over its whole length.
    Situation(
        seed,
        [](SyntheticHeap& t, WordIndex at) {
          t.Place(at + 5, t.array, (kLargeObjectWords - 2) * 2, true);
          t.Place(at + 5 + kLargeObjectWords, t.array, (kLargeObjectWords - 2 - 600) * 2 - 1, true);
        },
        stays);
  }
}

void RandomHeap(Random& random) {
  const uint32_t filled = 2 + random.Below(4);
  SyntheticHeap test(filled + 14, 1 + random.Below(8));
  test.TakeRegions(filled, [&](RegionIndex) { return random.Chance(40); });
  const uint32_t percent = random.Below(3) * 50;
  for (RegionIndex region{0}; region < filled; ++region) {
    test.FillRegion(region, percent == 50 ? random.Below(101) : percent, random);
  }
  // Large objects whose references reach over the ends of their regions, one dead.
  test.PlaceLarge(kLargeObjectWords + 1 + random.Below(kRegionWords), true);
  test.PlaceLarge(2 * kRegionWords, random.Chance(50));
  test.EndMarking();
  // Younger than the marking: TLABs with tails, objects across the pages of one, a large one.
  const uint32_t young = random.Below(2000);
  for (uint32_t i = 0; i < young; ++i) {
    const ShapeId shapes[] = {test.data, test.mixed, test.array};
    const uint32_t count = random.Chance(3) ? random.Below(3000) : random.Below(70);
    if (test.PlaceYoung(shapes[random.Below(3)], count) == 0) break;
    if (random.Chance(2)) RetireTlabs(test.heap, test.mutator);
    // Words that were taken before their header was written, by code that was interrupted in between and went on behind them.
    uint32_t* const control = test.mutator.control;
    const uint32_t hole = 1 + random.Below(9);
    if (random.Chance(3) && control[control::kTlabTop] != 0 && control[control::kTlabTop] + hole < control[control::kTlabLimit]) {
      if (random.Chance(50)) test.heap.words()[control[control::kTlabTop]] = uint64_t{hole} << 32;  // The count is there already.
      control[control::kTlabTop] += hole;
    }
  }
  if (random.Chance(50)) test.PlaceLarge(kRegionWords + random.Below(kRegionWords), true);
  test.LinkAll(random);
  // The same at the end of a TLAB.
  uint32_t* const control = test.mutator.control;
  if (random.Chance(50) && control[control::kTlabTop] + 3 < control[control::kTlabLimit]) {
    test.heap.words()[control[control::kTlabTop] + 1] = 0x0000500000005000ull;
    control[control::kTlabTop] += 3;
  }
  // A large object whose memory is still being zeroed at the flip.
  if (random.Chance(50))
    EXPECT(BeginLarge(test.heap, test.mutator, kRegionWords + 5, RegionKind::kMixed).answer == AllocationAnswer::kObject);

  std::vector<RegionIndex> moves;
  for (const RegionIndex region : test.LiveRegions()) {
    if (random.Chance(60)) moves.push_back(region);
  }
  BuildAndCompare(test, test.InEvacuationOrder(moves), random);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261123);
  Situations(seed);
  Random random(seed);
  for (uint32_t i = ShortForm() ? 8 : 25; i > 0; --i) RandomHeap(random);
  std::printf("pages: target %" PRIu64 ", in place %" PRIu64 ", young %" PRIu64 ", large %" PRIu64 ", unchanged %" PRIu64 "\n",
              pages_built[1], pages_built[2], pages_built[3], pages_built[4], pages_built[5]);
  for (uint32_t treatment = 1; treatment < 6; ++treatment) EXPECT(pages_built[treatment] > 0);
  return 0;
}
