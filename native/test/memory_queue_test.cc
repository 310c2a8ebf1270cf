// The queue for memory: which waiter gets how much, and which has to wait.
#include "heap/memory_queue.h"

#include <algorithm>
#include <random>
#include <vector>

#include "child.h"
#include "heap/regions.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

using Need = MemoryQueue::Need;
using Room = MemoryQueue::Room;

// Only their addresses count.
const Mutator* Thread(uintptr_t number) { return reinterpret_cast<const Mutator*>(number * 64); }

void TheOrderIsThatOfTheFirstWait() {
  MemoryQueue queue;
  const uint64_t first = queue.Join(Thread(1), {1, 0}, 0);
  queue.Join(Thread(2), {0, 2}, 0);
  EXPECT(queue.IsFirst(Thread(1)) && !queue.IsFirst(Thread(2)));
  EXPECT(queue.Ahead(Thread(1)).pages == 0);
  EXPECT(queue.Ahead(Thread(2)).pages == 1 && queue.Ahead(Thread(2)).regions == 0);
  EXPECT(queue.Ahead(Thread(3)).pages == 1 && queue.Ahead(Thread(3)).regions == 2);
  // Whoever looks after the collector meanwhile comes back to its place; whoever leaves is in nobody's way.
  queue.Leave(Thread(1));
  EXPECT(queue.IsFirst(Thread(2)) && queue.Ahead(Thread(2)).pages == 0);
  queue.Join(Thread(3), {16, 0}, 0);
  queue.Join(Thread(1), {16, 0}, first);
  EXPECT(queue.IsFirst(Thread(1)));
  queue.Leave(Thread(1));
  queue.Leave(Thread(2));
  EXPECT(queue.IsFirst(Thread(3)));
  queue.Leave(Thread(3));
  EXPECT(queue.empty());
}

void WhatIsLeftMustDoForAllAhead() {
  // Small ones share open pages and regions.
  EXPECT(MemoryQueue::Fits(Room{0, 32}, Need{16, 0}, Need{16, 0}));
  EXPECT(!MemoryQueue::Fits(Room{0, 31}, Need{16, 0}, Need{16, 0}));
  EXPECT(MemoryQueue::Fits(Room{1, 0}, Need{kRegionPages - 16, 0}, Need{16, 0}));
  // Whole regions are kept for a large one; pages of others are of no use to it.
  EXPECT(MemoryQueue::Fits(Room{2, 16}, Need{0, 2}, Need{16, 0}));
  EXPECT(!MemoryQueue::Fits(Room{2, 15}, Need{0, 2}, Need{16, 0}));
  EXPECT(!MemoryQueue::Fits(Room{1, 15}, Need{0, 2}, Need{16, 0}));
  EXPECT(MemoryQueue::Fits(Room{3, 0}, Need{0, 2}, Need{16, 0}));
  // A large one takes none that small ones ahead need.
  EXPECT(MemoryQueue::Fits(Room{2, 16}, Need{16, 0}, Need{0, 2}));
  EXPECT(!MemoryQueue::Fits(Room{2, 15}, Need{16, 0}, Need{0, 2}));
  EXPECT(MemoryQueue::Fits(Room{3, 0}, Need{16, 0}, Need{0, 2}));
}

void NewcomersGetWhatIsNotReserved() {
  Regions regions;
  EXPECT(regions.Create(3, 1).ok());
  EXPECT(regions.TakePages(1, kRegionPages, Thread(9)).count > 0);
  EXPECT(regions.TakePages(1, 16, Thread(9)).count == 16);  // Of three regions one is left, and open pages of the second.
  regions.JoinQueue(Thread(1), regions.NeedOfLarge(2 * kRegionWords), 0);
  regions.JoinQueue(Thread(2), Regions::NeedOf(1), 0);
  EXPECT(regions.TakeLarge(kRegionWords, Thread(9)).count == 0);
  EXPECT(regions.TakeLarge(2 * kRegionWords, Thread(1)).count == 0);
  EXPECT(regions.TakePages(1, 16, Thread(9)).count == 16);  // There are open pages for the second in the queue, too.
  EXPECT(regions.TakePages(kRegionPages, kRegionPages, Thread(9)).count == 0);
  // No more than is left beside what others need.
  EXPECT(regions.TakePages(1, kRegionPages, Thread(9)).count == 1);
  EXPECT(regions.HasRoomFor(Thread(2), Regions::NeedOf(1)));
  EXPECT(regions.TakePages(1, 16, Thread(2)).count == 16);
  regions.LeaveQueue(Thread(1));
  regions.LeaveQueue(Thread(2));
  EXPECT(regions.TakeLarge(kRegionWords, Thread(9)).count == kRegionPages);
}

void NoTailIsTooShortForThoseWhoWaitForAPage() {
  Regions regions;
  EXPECT(regions.Create(3, 1).ok());
  EXPECT(regions.TakePages(1, kRegionPages, Thread(9)).count > 0);
  EXPECT(regions.TakePages(250, 250, Thread(9)).count == 250);
  for (uintptr_t i = 1; i <= 5; ++i) regions.JoinQueue(Thread(i), Regions::NeedOf(1), 0);
  EXPECT(regions.TakePages(253, 253, Thread(9)).count == 253);
  EXPECT(regions.open_pages() == 9);
  EXPECT(regions.TakePages(4, 4, Thread(9)).count == 4);  // Too many for the three that are left of the last region.
  for (uintptr_t i = 1; i <= 5; ++i) {
    EXPECT(regions.TakePages(1, 1, Thread(i)).count == 1);
    regions.LeaveQueue(Thread(i));
  }
}

// (Q), from outside: a queue for which there is room stays one, whatever newcomers ask for, and its members may come in any order.
void WhoeverWaitsIsServedWhateverNewcomersTook(uint64_t seed) {
  std::mt19937_64 random(seed);
  Regions regions;
  EXPECT(regions.Create(static_cast<uint32_t>(3 + random() % 6), 1).ok());
  // Of whichever kind: what is open in regions of one is of use to all.
  const auto take = [&](const Need& need, const Mutator* taker) {
    const RegionKind kind = random() % 2 == 0 ? RegionKind::kMixed : RegionKind::kLeaf;
    if (need.regions != 0) return regions.TakeLarge(need.regions * kRegionWords, taker, kind).count;
    const uint32_t pages = static_cast<uint32_t>(need.pages);
    // Newcomers would like to have more.
    return regions.TakePages(pages, taker == Thread(9) && random() % 4 == 0 ? kRegionPages : pages, taker, kind).count;
  };
  const auto any_need = [&] {
    return random() % 4 == 0 ? Need{0, 1 + random() % 2} : Need{1 + random() % (random() % 2 == 0 ? 4 : 128), 0};
  };
  struct Waiter {
    const Mutator* thread;
    Need need;
  };
  std::vector<Waiter> waiters;
  for (uint64_t left = random() % 20; left > 0; --left) take(any_need(), Thread(9));
  for (uintptr_t i = 0; i < 8; ++i) {
    const Waiter waiter{Thread(20 + i), any_need()};
    // Several pages in a row are surely there only in a region that is whole.
    if (!regions.HasRoomFor(waiter.thread, waiter.need.pages > 1 ? Need{0, 1} : waiter.need)) continue;
    regions.JoinQueue(waiter.thread, waiter.need, 0);
    waiters.push_back(waiter);
  }
  for (int i = 0; i < 600; ++i) take(any_need(), Thread(9));
  std::ranges::shuffle(waiters, random);
  for (const Waiter& waiter : waiters) {
    EXPECT(take(waiter.need, waiter.thread) > 0);
    regions.LeaveQueue(waiter.thread);
  }
}

void APlaceBelongsToOneThread() {
  const Death death = InChild([] {
    MemoryQueue queue;
    const uint64_t place = queue.Join(Thread(1), {16, 0}, 0);
    queue.Join(Thread(2), {16, 0}, place);
  });
  EXPECT(death.died() && death.said.find("(Q)") != std::string::npos);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  TheOrderIsThatOfTheFirstWait();
  WhatIsLeftMustDoForAllAhead();
  NewcomersGetWhatIsNotReserved();
  NoTailIsTooShortForThoseWhoWaitForAPage();
  APlaceBelongsToOneThread();
  for (uint64_t seed = 1; seed <= 500; ++seed) WhoeverWaitsIsServedWhateverNewcomersTook(seed);
  return 0;
}
