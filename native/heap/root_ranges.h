// Root ranges: memory of an embedder that holds references, for example the operand stacks of a virtual machine's coroutines.
//
// Each mutator has a table of them.  A range is found by its number in constant time, and the ranges are stored densely, for the walk in a
// pause.  The table has no lock: it is changed by the mutator's own thread outside of pauses (ChangeRoots in heap/thread_state.h), and
// walked in pauses.
#pragma once

#include <cstdint>
#include <vector>

namespace faultline {

// The first `*used` slots count; `slots` and `used` stay valid until the range is removed.  Only the mutator's own thread stores into them.
struct RootRange {
  uint32_t id = 0;
  uint32_t* slots = nullptr;
  const uint32_t* used = nullptr;
  uint32_t capacity = 0;
  void* memory = nullptr;  // Keeps both valid; belongs to the owner of the range.
};

class RootRanges {
 public:
  // Returns the number of the range, valid until it is removed; never 0.
  uint32_t Add(uint32_t* slots, const uint32_t* used, uint32_t capacity, void* memory = nullptr) {
    if (free_ids_.empty()) {
      free_ids_.push_back(static_cast<uint32_t>(positions_.size()));
      positions_.push_back(0);
    }
    const uint32_t id = free_ids_.back();
    free_ids_.pop_back();
    positions_[id] = static_cast<uint32_t>(ranges_.size());
    ranges_.push_back({id, slots, used, capacity, memory});
    return id;
  }

  // `id` is the number of a range.  Its slots are not read any more when this returns; returns its `memory`.
  void* Remove(uint32_t id) {
    RootRange& range = ranges_[positions_[id]];
    void* const memory = range.memory;
    positions_[ranges_.back().id] = positions_[id];
    range = ranges_.back();
    ranges_.pop_back();
    free_ids_.push_back(id);
    return memory;
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const RootRange& range : ranges_) visit(range);
  }

 private:
  std::vector<RootRange> ranges_;
  std::vector<uint32_t> positions_ = {0};  // By id; there is no range 0.
  std::vector<uint32_t> free_ids_;
};

}  // namespace faultline
