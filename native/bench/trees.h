// Trees: binary trees built from below or from above, and counted.  The material of gcbench and binary-trees; see
// bench/workloads/trees.ts.
#pragma once

#include <vector>

#include "bench/work.h"

namespace faultline::bench {

inline uint32_t TreeSize(uint32_t depth) { return (2u << depth) - 1; }

// Which tree is built at which step.
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

template <typename Access>
class Trees {
 public:
  // `labelled`: nodes carry the number of their tree and their height.  Root slots from `first_root` on are used.
  Trees(NativeMutator& mutator, bool labelled, uint32_t first_root)
      : mutator_(mutator),
        labelled_(labelled),
        top_(first_root),
        node_(labelled ? mutator.DefineShape("bench.labelled-node", 2, 8) : mutator.DefineShape("bench.node", 2, 0)) {}

  WordIndex BottomUp(uint32_t depth, uint32_t tree) {
    if (depth > 0) {
      for (int child = 0; child < 2; ++child) {
        const WordIndex made = BottomUp(depth - 1, tree);
        mutator_.root(top_++) = made;
      }
    }
    const WordIndex node = NewNode(depth, tree);
    if (depth > 0) {
      mutator_.slots(node)[kRight] = Pop();
      mutator_.slots(node)[kLeft] = Pop();
    }
    return node;
  }

  WordIndex TopDown(uint32_t depth, uint32_t tree) {
    mutator_.root(top_++) = NewNode(depth, tree);
    Populate(depth, tree);
    return Pop();
  }

  // Nodes, of which each must say what it is.  No safepoint.
  uint32_t Count(WordIndex node, uint32_t depth, uint32_t tree, uint64_t* mismatches) {
    uint32_t* const slots = mutator_.slots(node);
    if (labelled_ && (slots[kTree] != tree || slots[kDepth] != depth)) ++*mismatches;
    const WordIndex left = Access::Load(mutator_, &slots[kLeft]);
    if (left == 0) return 1;
    const WordIndex right = Access::Load(mutator_, &slots[kRight]);
    return 1 + Count(left, depth - 1, tree, mismatches) + Count(right, depth - 1, tree, mismatches);
  }

  // Cuts the leftmost leaf off (`labelled` or not): a tree that counts wrong.
  void Spoil(WordIndex node) {
    for (;;) {
      const WordIndex left = Access::Load(mutator_, &mutator_.slots(node)[kLeft]);
      if (Access::Load(mutator_, &mutator_.slots(left)[kLeft]) == 0) break;
      node = left;
    }
    Access::Store(mutator_, &mutator_.slots(node)[kLeft], 0);
  }

 private:
  static constexpr uint32_t kLeft = kHeaderSlots;
  static constexpr uint32_t kRight = kHeaderSlots + 1;
  static constexpr uint32_t kTree = kHeaderSlots + 2;
  static constexpr uint32_t kDepth = kHeaderSlots + 3;

  WordIndex NewNode(uint32_t depth, uint32_t tree) {
    const WordIndex node = mutator_.Allocate(node_);
    if (labelled_) {
      mutator_.slots(node)[kTree] = tree;
      mutator_.slots(node)[kDepth] = depth;
    }
    return node;
  }

  // Gives the node on top of the roots its children.
  void Populate(uint32_t depth, uint32_t tree) {
    if (depth == 0) return;
    const uint32_t at = top_ - 1;
    for (const uint32_t child : {kLeft, kRight}) {
      const WordIndex made = NewNode(depth - 1, tree);
      Access::Store(mutator_, &mutator_.slots(mutator_.root(at))[child], made);
      mutator_.root(top_++) = made;
      Populate(depth - 1, tree);
      Pop();
    }
  }

  WordIndex Pop() {
    const WordIndex node = mutator_.root(--top_);
    mutator_.root(top_) = 0;
    return node;
  }

  NativeMutator& mutator_;
  const bool labelled_;
  uint32_t top_;
  const BenchShape node_;
};

}  // namespace faultline::bench
