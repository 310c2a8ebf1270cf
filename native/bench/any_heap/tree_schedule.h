// Tree schedule: which tree gcbench and binary-trees build at which step.
//
// Both are compiled with a class of trees, here of `Tree`s; only making one is a safepoint:
//
//   Tree BottomUp(depth, number), Tree TopDown(depth, number)
//   uint32_t Count(Tree, depth, number, uint64_t* mismatches)   nodes, of which each must say what it is
//   void Drop(Tree)                                             it is not used any more
//   void Spoil(Tree)                                            cuts the leftmost leaf off: a tree that counts wrong
//   void Keep(Tree), Tree kept()                                the one that lives on
//   double* KeepArray(length), const double* array()            the array that lives on, until the next safepoint
#pragma once

#include <cstdint>
#include <vector>

namespace faultline::bench {

// Nodes of a full tree; a tree of depth 0 is one node.
inline uint32_t TreeSize(uint32_t depth) { return (2u << depth) - 1; }

struct TreeRun {
  uint32_t depth;
  bool top_down;
  uint32_t count;
};

class TreeSchedule {
 public:
  void Add(uint32_t depth, bool top_down, uint32_t count) {
    runs_.push_back({depth, top_down, count});
    length_ += count;
  }
  const TreeRun& At(uint32_t index) const {
    uint32_t at = index % length_;
    for (const TreeRun& run : runs_) {
      if (at < run.count) return run;
      at -= run.count;
    }
    return runs_.back();
  }

 private:
  std::vector<TreeRun> runs_;
  uint32_t length_ = 0;
};

}  // namespace faultline::bench
