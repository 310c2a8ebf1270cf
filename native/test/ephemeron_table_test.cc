// Ephemeron table: an entry that waits for a key comes out for that key, once; and of a thread that adds an entry and a thread that marks
// its key, at least one sees the other.
#include <algorithm>

#include <sched.h>

#include "gc/marking/ephemeron_table.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr HashKey kKey = {7, 9};

void WhatWaitsComesOutForItsKey() {
  EphemeronTable table(kKey);
  std::vector<Ephemeron> taken;
  EXPECT(!table.MayHave(1000));
  table.Take(1000, &taken);
  EXPECT(taken.empty() && table.TakeAll().empty());
  // Keys that have none, one, and many.
  for (uint32_t i = 0; i < 5000; ++i) table.Add(1000 + i, {i, i});
  for (uint32_t i = 0; i < 3000; ++i) table.Add(77, {i, 1});
  for (uint32_t i = 0; i < 5000; i += 2) {
    EXPECT(table.MayHave(1000 + i));
    taken.clear();
    table.Take(1000 + i, &taken);
    EXPECT(taken.size() == 1 && taken[0].table == i && taken[0].index == i);
    table.Take(1000 + i, &taken);
    EXPECT(taken.size() == 1);
  }
  taken.clear();
  table.Take(77, &taken);
  EXPECT(taken.size() == 3000);
  // Places that have become free are used again.
  for (uint32_t i = 0; i < 100; ++i) table.Add(88, {5000 + i, 0});
  std::vector<uint32_t> left;
  for (const std::vector<Ephemeron>& piece : table.TakeAll()) {
    for (const Ephemeron ephemeron : piece) {
      if (ephemeron.table != 0) left.push_back(ephemeron.table);
    }
  }
  std::sort(left.begin(), left.end());
  EXPECT(left.size() == 2600 && left.front() == 1 && left[2499] == 4999 && left.back() == 5099);
  EXPECT(!table.MayHave(1001) && table.TakeAll().empty());
}

// A key is marked, and added to, at the same time: nobody's ephemeron stays behind.
void OneOfTwoSeesTheOther() {
  Bitmap marks;
  constexpr uint32_t kKeys = 20'000;
  EXPECT(marks.Create(kKeys + 64).ok());
  EphemeronTable table(kKey);
  std::atomic<uint32_t> fired{0};
  std::atomic<uint32_t> at{1};
  const auto both = [&](bool marks_first) {
    uint32_t before = 0;
    std::vector<Ephemeron> taken;
    for (uint32_t key = 1; key < kKeys; ++key) {
      // Both come to the same key at about the same time.
      at.fetch_add(1, std::memory_order_acq_rel);
      while (at.load(std::memory_order_acquire) < 2 * key + 1 && ++before < 1u << 30) sched_yield();
      if (marks_first) {
        marks.TestAndSet(key);
        if (table.MayHave(key)) {
          taken.clear();
          table.Take(key, &taken);
          fired.fetch_add(static_cast<uint32_t>(taken.size()));
        }
      } else {
        table.Add(key, {key, 0});
        if (marks.TestInOrder(key)) {
          taken.clear();
          table.Take(key, &taken);
          fired.fetch_add(static_cast<uint32_t>(taken.size()));
        }
      }
    }
  };
  std::thread marker([&] { both(true); });
  both(false);
  marker.join();
  EXPECT(fired.load() == kKeys - 1);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  WhatWaitsComesOutForItsKey();
  OneOfTwoSeesTheOther();
  return 0;
}
