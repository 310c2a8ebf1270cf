// Fault-around: how many pages a fault builds and shows besides the one that was touched.
//
// Adaptive, separately for each mutator, like a kernel's read-ahead.  A fault just after the pages that the last fault showed means that
// the thread walks through memory, and the window doubles; a fault elsewhere halves it.  If the window is too large, the thread builds
// pages that it does not need, and waits for other builders; if it is too small, every page costs a round trip through the kernel.
#pragma once

#include <cstdint>

#include "heap/layout.h"

namespace faultline {

class FaultAround {
 public:
  static constexpr uint32_t kFirstPages = 4;
  static constexpr uint32_t kMostPages = 16;

  // The window for a fault on `page`: a power of two of pages, in the aligned block around it.  Called by the mutator's own fault handler,
  // or on its behalf while it waits; never by two threads at once.
  uint32_t WindowFor(PageIndex page) {
    const bool goes_on = page >= end_ && page - end_ < pages_;
    if (goes_on && pages_ < kMostPages) pages_ *= 2;
    if (!goes_on && pages_ > 1) pages_ /= 2;
    end_ = FirstOfUnit(page, pages_) + pages_;
    return pages_;
  }

 private:
  uint32_t pages_ = kFirstPages;
  PageIndex end_{0};
};

}  // namespace faultline
