// RootRun: root slots that lie side by side: a mutator's handles, a root range, the slots that all threads share.
#pragma once

#include <cstdint>

#include "heap/layout.h"

namespace faultline {

struct RootRun {
  uint32_t* slots = nullptr;
  uint32_t count = 0;
  // Whether their owner stands still while the world is stopped.  If not, its program may have parked it: then it holds no references but
  // goes on running, and while a slot is visited, it may clear the slot or store a small integer there.  So visitors load a slot once,
  // examine the value that they loaded, and replace only that value.
  bool stands_still = false;

  // Visits every slot from `first` on that holds a reference.
  template <typename Visit>
  void ForEachRoot(Visit visit, uint32_t first = 0) const {
    for (uint32_t i = first; i < count; ++i) {
      if (IsReference(__atomic_load_n(&slots[i], __ATOMIC_RELAXED))) visit(&slots[i]);
    }
  }
};

}  // namespace faultline
