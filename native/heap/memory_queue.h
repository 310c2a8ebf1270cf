// Memory queue: the mutators that wait for memory, in the order in which they began to wait.
//
//   (Q) Memory that a waiter needs is never given to a mutator that began to wait later, or does not wait.
//
// Starvation is not exhaustion: a thread is told that the heap is full only if it was first in the queue while a full collection ran, so
// that no other thread took the memory which that freed.  Every request asks the queue, under the lock of the region table:
//
//     request of a waiter          enough must be left for all waiters ahead of it
//     request of another mutator   enough must be left for all waiters
//
// If there is room for all, all are served at once, and newcomers are not held up: waiters have reservations, they do not stand in line.  A
// waiter needs contiguous pages of any region, or contiguous whole regions.  Pages of regions in use are of no use to waiters that need
// whole ones, so small requests behind a large one are served as long as such pages last, or enough whole regions are left for it.  The
// large one does not hold them up for long: the first in the queue is served, or gives up, after a few collections.
//
// A thread is in the queue only inside the native call that waits, so a thread that ends, or whose script is cut short, has left it.
// The caller holds the lock of the region table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "heap/layout.h"
#include "os/invariant.h"

namespace faultline {

class Mutator;

class MemoryQueue {
 public:
  // One of the two is 0.
  struct Need {
    uint64_t pages = 0;
    uint64_t regions = 0;
  };
  // Whole regions that may still be charged, and pages left in charged regions.
  struct Room {
    uint64_t regions = 0;
    uint64_t open_pages = 0;
  };

  // `place` is 0 for the end of the queue, or the result of an earlier Join of the same wait.
  uint64_t Join(const Mutator* waiter, const Need& need, uint64_t place) {
    if (place == 0) place = ++last_place_;
    const auto behind = std::ranges::find_if(waiters_, [place](const Waiter& other) { return other.place > place; });
    waiters_.insert(behind, {waiter, need, place});
    for (size_t i = 1; i < waiters_.size(); ++i) {
      FAULTLINE_CHECK(waiters_[i - 1].place < waiters_[i].place, "(Q) each waiter has one place, behind those that began before", place);
    }
    return place;
  }
  void Leave(const Mutator* waiter) {
    std::erase_if(waiters_, [waiter](const Waiter& other) { return other.mutator == waiter; });
  }
  bool empty() const { return waiters_.empty(); }
  bool IsFirst(const Mutator* waiter) const { return !waiters_.empty() && waiters_.front().mutator == waiter; }

  // What is reserved for the waiters ahead of `taker`: for all of them, if it does not wait.  Open pages are scattered, so they are certain
  // to serve only a waiter that needs a single page.  For several contiguous pages a whole region is reserved, though they may be found
  // elsewhere.
  Need Ahead(const Mutator* taker) const {
    Need sum;
    for (const Waiter& waiter : waiters_) {
      if (waiter.mutator == taker) break;
      if (waiter.need.pages == 1)
        sum.pages += 1;
      else
        sum.regions += std::max<uint64_t>(waiter.need.regions, 1);
    }
    return sum;
  }

  // (Q) Whether there is room for `need` besides the needs `ahead`.
  static bool Fits(const Room& room, const Need& ahead, const Need& need) {
    if (need.regions != 0) return room.regions >= need.regions + RegionsFor(room, ahead);
    const uint64_t spare = room.regions > ahead.regions ? room.regions - ahead.regions : 0;
    return ahead.pages + need.pages <= room.open_pages + spare * kRegionPages;
  }

  // Whole regions that the waiters ahead need, after they have used the open pages.
  static uint64_t RegionsFor(const Room& room, const Need& ahead) {
    const uint64_t pages = ahead.pages > room.open_pages ? ahead.pages - room.open_pages : 0;
    return ahead.regions + (pages + kRegionPages - 1) / kRegionPages;
  }

 private:
  struct Waiter {
    const Mutator* mutator;
    Need need;
    uint64_t place;
  };
  std::vector<Waiter> waiters_;
  uint64_t last_place_ = 0;
};

}  // namespace faultline
