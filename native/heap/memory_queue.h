// Memory queue: who waits for memory, in the order in which they began to.
//
//   (Q) Memory that a waiter needs is given to nobody who began to wait later, or does not wait.
//
// Starvation is not exhaustion: a thread is told that the heap is full only when it was the first in the queue while a full collection
// ran, so that nobody else took what that freed.  Everything that is taken asks the queue, under the lock of the region table:
//
//     taken by a waiter     what is left must do for all who are ahead of it
//     taken by another      ... for all who wait
//
// Where there is room for all, all are served at once, and newcomers are not held up: there is no line to stand in, only a reservation.
// A waiter needs pages in a row, of whatever region, or whole regions side by side.  Pages of regions that are in use already are of no use
// to those who need whole ones, so small requests behind a large one go on as long as such pages last, and as long as enough whole regions
// are left for it.  It holds them up no longer than that: the first in the queue is served, or gives up, after a few collections.
//
// A thread is in the queue only inside the native call that waits, so one that ends, or whose script is cut short, has left it.
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
  // One of both is 0.
  struct Need {
    uint64_t pages = 0;
    uint64_t regions = 0;
  };
  // Whole regions that may be charged, and pages that are left in those that are charged.
  struct Room {
    uint64_t regions = 0;
    uint64_t open_pages = 0;
  };

  // `place` is 0 for the end of the queue, or what an earlier Join of the same wait has answered.
  uint64_t Join(const Mutator* waiter, const Need& need, uint64_t place) {
    if (place == 0) place = ++last_place_;
    const auto behind = std::ranges::find_if(waiters_, [place](const Waiter& other) { return other.place > place; });
    waiters_.insert(behind, {waiter, need, place});
    for (size_t i = 1; i < waiters_.size(); ++i) {
      FAULTLINE_CHECK(waiters_[i - 1].place < waiters_[i].place, "(Q) each who waits has one place, behind those who began before", place);
    }
    return place;
  }
  void Leave(const Mutator* waiter) {
    std::erase_if(waiters_, [waiter](const Waiter& other) { return other.mutator == waiter; });
  }
  bool empty() const { return waiters_.empty(); }
  bool IsFirst(const Mutator* waiter) const { return !waiters_.empty() && waiters_.front().mutator == waiter; }

  // What is kept for those who come before `taker`: for all of them, if it does not wait.  Open pages lie scattered: they are surely of use
  // to who needs a single one.  For several pages in a row a whole region is kept; they may be found elsewhere, too.
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

  // (Q): whether there is room for `need` besides what is needed `ahead`.
  static bool Fits(const Room& room, const Need& ahead, const Need& need) {
    if (need.regions != 0) return room.regions >= need.regions + RegionsFor(room, ahead);
    const uint64_t spare = room.regions > ahead.regions ? room.regions - ahead.regions : 0;
    return ahead.pages + need.pages <= room.open_pages + spare * kRegionPages;
  }

  // Whole regions that those ahead need, what they can have of open pages taken off.
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
