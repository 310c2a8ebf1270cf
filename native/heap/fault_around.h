// Fault-around: how many pages a fault finishes and shows besides the one that was touched.
//
// Adaptive, for each mutator by itself, like a kernel's read-ahead: a fault close behind the pages that the last one showed means that
// the thread walks through memory, and the window doubles; one elsewhere halves it.  A window too large makes the thread build pages that
// it does not need, and wait for others that build them; one too small costs it a round trip through the kernel for every page.
#pragma once

#include <cstdint>

#include "heap/layout.h"

namespace faultline {

class FaultAround {
 public:
  static constexpr uint32_t kFirstPages = 4;
  static constexpr uint32_t kMostPages = 16;

  // The window, a power of two, for a fault on `page`; its pages are those of the aligned block around it.  Called by the mutator's own
  // fault handler, or for it while it waits: never twice at once.
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
