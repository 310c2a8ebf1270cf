// Waves: several flips after one marking.  Each wave gives the heap that a model says, objects that are allocated between two waves and
// references that are stored there included; and what would lose objects is noticed: a region that is filled further although a later wave
// moves it (G), marks that stay where their objects were, or do not come where they are (B).  Marks cost time, so the last wave makes none.
#include <algorithm>
#include <cinttypes>
#include <functional>
#include <numeric>

#include "child.h"
#include "gc/compaction/released_sources.h"
#include "os/clock.h"
#include "shadow_program.h"
#include "synthetic_heap.h"

namespace faultline::test {
namespace {

// Builds all pages of a plan in random order, finishes the wave, and compares the heap with the model's.
void BuildWave(SyntheticHeap& test, Plan& plan, ReleasedSources& released, const std::map<WordIndex, WordIndex>& moved, Random& random) {
  Heap& heap = test.heap;
  RetireTlabs(heap, test.mutator);
  heap.regions.Freeze(heap.tables.frozen.data());
  const std::vector<uint64_t> expected = test.ModelImage(test.Image(), moved);
  PageBuilder builder(&heap, &released);
  std::vector<PageIndex> pages(heap.page_count());
  std::iota(pages.begin(), pages.end(), 0_page);
  for (size_t i = pages.size(); i > 1; --i) std::swap(pages[i - 1], pages[random.Below(static_cast<uint32_t>(i))]);
  for (const PageIndex page : pages) {
    if (builder.TreatmentOf(page) != Treatment::kNone) builder.Build(page);
  }
  EXPECT(test.Image() == expected);
  const std::vector<RegionIndex> sources = plan.sources();
  EXPECT(released.Free());
  plan.Seal();
  std::erase_if(test.objects, [&](const auto& entry) {
    return !moved.contains(entry.first) && std::find(sources.begin(), sources.end(), RegionOf(entry.first)) != sources.end();
  });
  for (const auto& [from, to] : moved) {
    auto node = test.objects.extract(from);
    node.key() = node.mapped().at = to;
    EXPECT(test.objects.insert(std::move(node)).inserted);
  }
}

// (B) What marking found, what was copied, and nothing else has a start bit; a free region has no marks at all, nor has what the last wave
// has copied.
void CheckMarks(SyntheticHeap& test, const std::vector<RegionIndex>& targets_of_last_wave) {
  const SideTables& tables = test.heap.tables;
  for (RegionIndex region{0}; region < test.heap.regions.count(); ++region) {
    const RegionUse use = test.heap.regions.use(region);
    const bool is_last = std::find(targets_of_last_wave.begin(), targets_of_last_wave.end(), region) != targets_of_last_wave.end();
    if (use.state == RegionState::kFree || is_last) EXPECT(tables.marked_pages[region] == 0 && tables.live_word_counts[region] == 0);
    const WordIndex end = FirstWordOfRegion(region) + kRegionWords;
    uint32_t words = 0;
    for (WordIndex at = FirstWordOfRegion(region); (at = tables.object_starts.FindNext(at, end)) < end; ++at) {
      const PlacedObject& object = test.objects.at(at);
      EXPECT(object.live && !object.young && !is_last && PageOf(at) % kRegionPages < tables.marked_pages[region]);
      words += std::min(object.words, kRegionWords);
    }
    EXPECT(words == tables.live_word_counts[region]);
  }
}

void EachWaveGivesTheModelsHeap(Random& random) {
  const uint32_t filled = 4 + random.Below(5);
  SyntheticHeap test(filled + 8, 1 + random.Below(8));
  Heap& heap = test.heap;
  test.TakeRegions(filled, [&](RegionIndex) { return random.Chance(30); });
  for (RegionIndex region{0}; region < filled; ++region) test.FillRegion(region, 20 + random.Below(80), random);
  test.PlaceLarge(kRegionWords + random.Below(kRegionWords), true);
  test.EndMarking();
  test.LinkAll(random);
  CheckMarks(test, {});
  ReleasedSources released(&heap);
  EXPECT(released.Open().ok());
  std::vector<RegionIndex> left = test.LiveRegions();
  for (uint32_t wave = 0; wave < 4 && !left.empty(); ++wave) {
    std::vector<RegionIndex> wished;
    for (const RegionIndex region : left) {
      if (wave == 3 || random.Chance(40)) wished.push_back(region);
    }
    if (wished.empty()) wished.push_back(left.front());
    wished = test.InEvacuationOrder(wished);
    const auto wanted = static_cast<uint32_t>(wished.size());
    std::map<WordIndex, WordIndex> moved;
    const size_t fit = test.Model(wished, test.FreeRegions(wanted), &moved);
    Plan plan(&heap);
    EXPECT(plan.Make(test.gang, wished, wanted, left) == fit);
    if (fit == 0) break;
    wished.resize(fit);
    std::erase_if(left, [&](RegionIndex region) { return std::find(wished.begin(), wished.end(), region) != wished.end(); });
    heap.regions.ReopenPartial(left);
    const std::vector<RegionIndex> targets = plan.targets();
    BuildWave(test, plan, released, moved, random);
    heap.regions.ReopenPartial(left);
    CheckMarks(test, left.empty() ? targets : std::vector<RegionIndex>{});
    // Between two waves: new objects where sources were, and behind what was copied, all of them linked with the old ones.
    for (uint32_t i = random.Below(400); i > 0; --i) {
      const WordIndex young = test.PlaceYoung(random.Chance(50) ? test.mixed : test.array, random.Below(70));
      if (young == 0) break;
      EXPECT(std::find(left.begin(), left.end(), RegionOf(young)) == left.end());
    }
    test.LinkAll(random);
  }
}

// A program runs between all steps of cycles of up to five waves.
void AProgramRunsBetweenTheStepsOfWaves(FaultModeKind mode, MarkerKind marker, uint64_t seed) {
  TestHeap::Options options;
  options.mode = mode;
  options.marker = marker;
  options.capacity_regions = 16;
  options.reserve_regions = 3;
  options.waits_for_memory = false;
  HeapWithProgram scene(options, seed, {.nodes = 2500, .large_percent = 2, .may_run_out = true});
  TestHeap& test = scene.test;
  ShadowProgram& program = scene.program;
  const auto run = [&program] {
    program.mutator().Unpark();
    program.Steps(120);
    program.CheckAll();
    program.mutator().Park();
  };
  Random random(seed);
  program.mutator().Park();
  for (uint32_t cycle = ShortForm() ? 3 : 12; cycle > 0; --cycle) {
    test.collector->BeginCollection();
    test.Mark();
    run();
    test.collector->Sweep();
    std::vector<RegionIndex> left = test.Movable();
    for (uint32_t waves = 2 + random.Below(4);; --waves) {
      std::vector<RegionIndex> sources;
      for (const RegionIndex region : left) {
        if (random.Below(waves) == 0) sources.push_back(region);
      }
      if (sources.empty() && !left.empty()) sources.push_back(left.back());
      if (!test.FlipWave(sources, left)) break;
      std::erase_if(left, [&](RegionIndex region) { return test.heap.tables.moving[region] != 0; });
      run();
      if (waves == 1 || left.empty()) break;
      test.FinishWave();
      run();
    }
    test.FinishCollection();
    run();
  }
  program.mutator().Unpark();
  std::printf("%-12s %-12s %" PRIu64 " flips in %" PRIu64 " cycles, %" PRIu64 " checks\n", NameOf(marker), NameOf(mode),
              test.heap.statistics.flip_pause.count(), Read(test.heap.statistics.cycles), program.checks());
  EXPECT(test.heap.statistics.flip_pause.count() > Read(test.heap.statistics.compacting_cycles));
}

// Three regions of pairs, after the wave that has moved the first two.
struct AfterTheFirstWave {
  AfterTheFirstWave() {
    while (mutator.handle(0) < FirstWordOfRegion(2_region)) AllocatePairs(1);
    mutator.Park();
    test.collector->BeginCollection();
    test.Mark();
    test.collector->Sweep();
    const std::vector<RegionIndex> regions = test.Movable();
    EXPECT(regions == (std::vector<RegionIndex>{0_region, 1_region, kLast}));
    EXPECT(test.FlipWave({0_region, 1_region}, regions));
    test.FinishWave();
    mutator.Unpark();
  }

  void AllocatePairs(uint32_t pairs) {
    for (; pairs > 0; --pairs) {
      const WordIndex young = mutator.Allocate(pair);
      EXPECT(young != 0);
      mutator.reference(young, 0) = mutator.handle(0);
      mutator.handle(0) = young;
      ++length;
    }
  }

  void MoveTheRest() {
    mutator.Park();
    EXPECT(test.FlipWave({kLast}, {}));
    test.FinishCollection();
    mutator.Unpark();
  }

  uint32_t CountPairs() {
    uint32_t found = 0;
    for (uint32_t at = mutator.handle(0); at != 0; at = mutator.reference(WordIndex(at), 0)) ++found;
    return found;
  }

  static constexpr RegionIndex kLast{2};  // It has room for more.
  TestHeap test{{.capacity_regions = 8, .workers = 0, .mode = FaultModeKind::kStw}};
  const ShapeId pair = test.DefineShape(2, 1);
  TestMutator mutator{&test};
  uint32_t length = 0;
};

void WhatALaterWaveMovesIsNotFilledFurther() {
  AfterTheFirstWave f;
  const uint32_t used = f.test.heap.regions.use(f.kLast).used_pages;
  EXPECT(used < kRegionPages / 2);
  f.AllocatePairs(100'000);
  EXPECT(f.test.heap.regions.use(f.kLast).used_pages == used);
  f.MoveTheRest();
  EXPECT(f.CountPairs() == f.length);
}

void AMistakeIsNoticed() {
  const auto dies_of = [](const char* law, const std::function<void()>& mistake) {
    const Death death = InChild(mistake);
    EXPECT(death.died() && death.said.find(law) != std::string::npos);
  };
  // By the plan, which finds young objects in a source …
  dies_of("(G)", [] {
    AfterTheFirstWave f;
    f.test.heap.regions.ReopenPartial();
    f.AllocatePairs(20'000);
    f.MoveTheRest();
  });
  // … and by the table, when such a region is to be filled.
  dies_of("(G)", [] {
    Regions regions;
    EXPECT(regions.Create(3, 0).ok());
    EXPECT(regions.TakePages(50, 50).count == 50);
    regions.ReopenPartial({0_region});
    EXPECT(RegionOfPage(regions.TakePages(206, 206).first) == 1);
    regions.TakePages(100, 100);
  });
  // By the plan, which gets a marked region for a target …
  dies_of("(B)", [] {
    AfterTheFirstWave f;
    for (RegionIndex region{0}; region < f.test.heap.regions.count(); ++region) {
      if (f.test.heap.regions.use(region).state == RegionState::kFree) f.test.heap.tables.marked_pages[region] = 1;
    }
    f.MoveTheRest();
  });
  // … by the collector, when a wave follows one that was to be the last …
  dies_of("(B)", [] {
    AfterTheFirstWave f;
    f.mutator.Park();
    EXPECT(f.test.FlipWave({f.kLast}, {}));
    f.test.FinishWave();
  });
  // … and by the verifier, when what was copied has no marks.
  dies_of("(M)", [] {
    AfterTheFirstWave f;
    for (RegionIndex region{0}; region < f.test.heap.regions.count(); ++region) {
      if (region != f.kLast) f.test.heap.tables.object_starts.ClearRegion(region);
    }
    f.MoveTheRest();
  });
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261130);
  Random random(seed);
  for (uint32_t heaps = ShortForm() ? 10 : 60; heaps > 0; --heaps) EachWaveGivesTheModelsHeap(random);
  for (const FaultModeKind mode : MovingModes()) {
    for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kStopped}) {
      if (MarkerWorks(marker)) AProgramRunsBetweenTheStepsOfWaves(mode, marker, seed);
    }
  }
  WhatALaterWaveMovesIsNotFilledFurther();
  AMistakeIsNoticed();
  return 0;
}
