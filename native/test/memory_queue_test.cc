// The queue for memory: who gets what, and who has to wait for it.
#include "heap/memory_queue.h"
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
  const uint64_t first = queue.Join(Thread(1), {16, 0}, 0);
  queue.Join(Thread(2), {0, 2}, 0);
  EXPECT(queue.IsFirst(Thread(1)) && !queue.IsFirst(Thread(2)));
  EXPECT(queue.Ahead(Thread(1)).pages == 0);
  EXPECT(queue.Ahead(Thread(2)).pages == 16 && queue.Ahead(Thread(2)).regions == 0);
  EXPECT(queue.Ahead(Thread(3)).pages == 16 && queue.Ahead(Thread(3)).regions == 2);
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
  regions.JoinQueue(Thread(2), Regions::NeedOf(16), 0);
  EXPECT(regions.TakeLarge(kRegionWords, Thread(9)).count == 0);
  EXPECT(regions.TakeLarge(2 * kRegionWords, Thread(1)).count == 0);
  EXPECT(regions.TakePages(1, 16, Thread(9)).count == 16);  // There are open pages for the second in the queue, too.
  EXPECT(regions.TakePages(kRegionPages, kRegionPages, Thread(9)).count == 0);
  // No more than is left beside what others need.
  EXPECT(regions.TakePages(1, kRegionPages, Thread(9)).count == 1);
  EXPECT(regions.HasRoomFor(Thread(2), Regions::NeedOf(16)));
  EXPECT(regions.TakePages(1, 16, Thread(2)).count == 16);
  regions.LeaveQueue(Thread(1));
  regions.LeaveQueue(Thread(2));
  EXPECT(regions.TakeLarge(kRegionWords, Thread(9)).count == kRegionPages);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  TheOrderIsThatOfTheFirstWait();
  WhatIsLeftMustDoForAllAhead();
  NewcomersGetWhatIsNotReserved();
  return 0;
}
