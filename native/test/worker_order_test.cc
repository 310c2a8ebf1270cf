// What is built first after a flip, and how many pages a fault shows when that is left to the heap.
#include "gc/compaction/root_pages.h"
#include "gc/compaction/youngest_first.h"
#include "heap/fault_around.h"
#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

void RootPagesKeepWhatEachOwnerNotedLast() {
  RootPages pages;
  pages.Clear();
  EXPECT(pages.Take().empty());
  // More than a ring holds: the first ones are forgotten.
  pages.NextOwner();
  for (PageIndex page{1}; page <= RootPages::kPagesOfOwner + 10; ++page) pages.Note(FirstWordOfPage(page) + 7);
  // Twice the same page.
  pages.NextOwner();
  pages.Note(FirstWordOfPage(5000_page));
  pages.Note(FirstWordOfPage(5000_page) + 1);
  const std::vector<PageIndex> taken = pages.Take();
  EXPECT(taken.size() == RootPages::kPagesOfOwner + 1);
  EXPECT(taken.front() == 11 && taken.back() == 5000);
  for (size_t i = 1; i < taken.size(); ++i) EXPECT(taken[i - 1] < taken[i]);
  // More owners than there are rings share the last one.
  pages.Clear();
  for (uint32_t owner = 0; owner < RootPages::kOwners + 5; ++owner) {
    pages.NextOwner();
    pages.Note(FirstWordOfPage(PageIndex(owner + 1)));
  }
  EXPECT(pages.Take().size() == RootPages::kOwners);
  EXPECT(pages.Take().back() == RootPages::kOwners + 5);
}

// Objects of a page each, dead ones between them; a few of the last are held by handles.
void PagesThatRootsLeadToAreBuiltFirst(FaultModeKind mode) {
  constexpr uint32_t kObjects = 1500;
  constexpr uint32_t kRoots = 3;
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = 16;
  options.reserve_regions = 8;
  options.workers = 0;
  TestHeap test(options);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  const ShapeId array = test.DefineShape(0, 0, ElementKind::kReference, 2);
  TestMutator mutator(&test);
  mutator.handle(0) = mutator.Allocate(array, kObjects);
  for (uint32_t i = 0; i < kObjects; ++i) {
    const WordIndex object = mutator.Allocate(data, kPageWords - 1);
    EXPECT(object != 0);
    if (i % 2 == 0) mutator.slots(mutator.handle(0))[kHeaderSlots + i] = object;
  }
  for (uint32_t root = 0; root < kRoots; ++root) {
    mutator.handle(1 + root) = mutator.slots(mutator.handle(0))[kHeaderSlots + kObjects - 2 - 200 * root];
  }
  mutator.Park();
  test.CollectUntilFlip();
  Collector& collector = *test.collector;
  const auto is_complete = [&](uint32_t handle) { return collector.pages().PageIsComplete(PageOf(mutator.handle(handle))); };
  const uint64_t before = Read(test.heap.statistics.pages_by_workers);
  for (uint32_t handle = 0; handle <= kRoots; ++handle) EXPECT(!is_complete(handle));
  // The array's page and those of the three are the first four.
  while (Read(test.heap.statistics.pages_by_workers) - before < kRoots + 1) {
    EXPECT(!collector.Compact(NowNs() + 1000));
  }
  for (uint32_t handle = 0; handle <= kRoots; ++handle) EXPECT(is_complete(handle));
  test.FinishCollection();
  mutator.Unpark();
}

void FaultAroundGrowsWhereFaultsFollowOneAnother() {
  FaultAround around;
  uint32_t most = 0;
  PageIndex page{1000};
  // A walk: each fault is on the first page that the last one did not show.
  for (uint32_t fault = 0; fault < 10; ++fault) {
    const uint32_t window = around.WindowFor(page);
    EXPECT(window >= most && window <= FaultAround::kMostPages && (window & (window - 1)) == 0);
    most = window;
    page = FirstOfUnit(page, window) + window;
  }
  EXPECT(most == FaultAround::kMostPages);
  // Faults all over the place.
  for (uint32_t fault = 0; fault < 10; ++fault) most = around.WindowFor(100'000_page - 5000 * fault);
  EXPECT(most == 1);
}

std::vector<RegionIndex> RegionsBelow(uint32_t end) {
  std::vector<RegionIndex> regions;
  for (uint32_t region = 0; region < end; ++region) regions.emplace_back(region);
  return regions;
}

// Mutators take regions while the order is made.  Ages that change at every look are the worst of it: once a sort asked for them as it
// went, and read and wrote what lay before the array.
void RegionsWhoseAgesChangeAreOrderedAllTheSame() {
  Random random(5);
  for (uint32_t round = 0; round < 200; ++round) {
    const uint32_t count = 1 + random.Below(300);
    std::vector<RegionIndex> order = YoungestFirst(RegionsBelow(count), [&](RegionIndex) { return random.Below(1000); });
    std::sort(order.begin(), order.end());
    EXPECT(order.size() == count);
    for (RegionIndex region{0}; region < count; ++region) EXPECT(order[region] == region);
  }
  const auto born = [](RegionIndex region) { return region == 2 ? 9u : region == 0 ? 0u : 5u; };
  const std::vector<RegionIndex> order = YoungestFirst(RegionsBelow(4), born);
  EXPECT((order == std::vector<RegionIndex>{2_region, 1_region, 3_region, 0_region}));
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  RootPagesKeepWhatEachOwnerNotedLast();
  RegionsWhoseAgesChangeAreOrderedAllTheSame();
  FaultAroundGrowsWhereFaultsFollowOneAnother();
  for (const FaultModeKind mode : FaultingModes()) {
    PagesThatRootsLeadToAreBuiltFirst(mode);
  }
  return 0;
}
