// The bitmap against a plain vector of bools, at every position around the boundaries of its 64-bit cells.
#include <vector>

#include "heap/bitmap.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint32_t kWords = kRegionWords;

// Positions at which something may go wrong: both sides of a cell's edge, and the middle of a cell.
const uint32_t kEdges[] = {0, 1, 31, 62, 63, 64, 65, 96, 126, 127, 128, 129, 190, 191, 192, 193};

struct Pair {
  Pair() : model(kWords, false) { EXPECT(bitmap.Create(kWords).ok()); }

  void SetRange(uint32_t first, uint32_t count) {
    bitmap.SetRange(first, count);
    for (uint32_t i = first; i < first + count; ++i) model[i] = true;
  }
  uint32_t NaiveNext(uint32_t from, uint32_t end) const {
    for (uint32_t i = from; i < end; ++i) {
      if (model[i]) return i;
    }
    return end;
  }
  uint32_t NaivePrevious(uint32_t begin, uint32_t before) const {
    for (uint32_t i = before; i > begin; --i) {
      if (model[i - 1]) return i - 1;
    }
    return before;
  }
  void Compare(uint32_t from, uint32_t until) const {
    EXPECT(bitmap.FindNext(from, until) == NaiveNext(from, until));
    EXPECT(bitmap.FindPrevious(from, until) == NaivePrevious(from, until));
  }

  Bitmap bitmap;
  std::vector<bool> model;
};

void ARangeSetsItsBitsAndNoOthers() {
  for (const uint32_t first : kEdges) {
    for (const uint32_t end : kEdges) {
      if (end <= first) continue;
      Pair pair;
      pair.SetRange(first, end - first);
      for (uint32_t i = 0; i < 320; ++i) EXPECT(pair.bitmap.Test(i) == pair.model[i]);
    }
  }
}

void SearchesFindTheNearestBitWithinTheirBoundsOnly() {
  for (const uint32_t bit : kEdges) {
    Pair pair;
    pair.SetRange(bit, 1);
    for (const uint32_t from : kEdges) {
      for (const uint32_t until : kEdges) {
        if (from <= until) pair.Compare(from, until);
      }
    }
  }
  Pair empty;
  for (const uint32_t from : kEdges) empty.Compare(from, kWords);
}

void TheLastWordOfARegionIsAWordLikeAnyOther() {
  Pair pair;
  pair.SetRange(kWords - 1, 1);
  pair.Compare(0, kWords);
  pair.Compare(kWords - 1, kWords);
  pair.Compare(0, kWords - 1);
  pair.Compare(kWords, kWords);
}

void RandomSetsAgreeWithTheModel(Random random) {
  for (uint32_t round = 0; round < 60; ++round) {
    Pair pair;
    for (uint32_t i = random.Below(12); i > 0; --i) {
      const uint32_t first = random.Below(1000);
      pair.SetRange(first, 1 + random.Below(200));
    }
    for (uint32_t i = 0; i < 2000; ++i) {
      const uint32_t from = random.Below(1300);
      pair.Compare(from, from + random.Below(1300 - from + 1));
    }
  }
}

void TestAndSetIsTrueForOneThreadOnly() {
  Bitmap bitmap;
  EXPECT(bitmap.Create(kWords).ok());
  constexpr uint32_t kBits = 8192;
  std::atomic<uint32_t> winners{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      uint32_t won = 0;
      for (uint32_t i = 0; i < kBits; ++i) won += bitmap.TestAndSet(i) ? 1 : 0;
      winners.fetch_add(won);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(winners.load() == kBits);
  for (uint32_t i = 0; i < kBits; ++i) EXPECT(bitmap.Test(i));
  EXPECT(!bitmap.Test(kBits));
}

void ClearingARegionLeavesItsNeighboursAlone() {
  Bitmap bitmap;
  EXPECT(bitmap.Create(3 * kRegionWords).ok());
  bitmap.SetRange(0, kRegionWords);
  bitmap.SetRange(kRegionWords, kRegionWords);
  bitmap.SetRange(2 * kRegionWords, kRegionWords);
  bitmap.ClearRegion(1_region);
  EXPECT(bitmap.Test(kRegionWords - 1) && bitmap.Test(2 * kRegionWords));
  EXPECT(bitmap.FindNext(kRegionWords, 2 * kRegionWords) == 2 * kRegionWords);
  EXPECT(bitmap.FindPrevious(kRegionWords, 2 * kRegionWords) == 2 * kRegionWords);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 11);
  ARangeSetsItsBitsAndNoOthers();
  SearchesFindTheNearestBitWithinTheirBoundsOnly();
  TheLastWordOfARegionIsAWordLikeAnyOther();
  RandomSetsAgreeWithTheModel(Random(seed));
  TestAndSetIsTrueForOneThreadOnly();
  ClearingARegionLeavesItsNeighboursAlone();
  return 0;
}
