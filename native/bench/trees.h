// The trees of gcbench and binary-trees on the heap; see bench/workloads/trees.ts.
#pragma once

#include "bench/native_mutator.h"

namespace faultline::bench {

template <typename Access>
class HeapTrees {
 public:
  // `labelled`: nodes carry the number of their tree and their height.
  HeapTrees(NativeMutator& mutator, bool labelled)
      : mutator_(mutator),
        labelled_(labelled),
        array_(mutator.DefineArray("bench.doubles", 0, false)),
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

  void Drop(WordIndex) {}
  void Keep(WordIndex node) { mutator_.root(kLongLived) = node; }
  WordIndex kept() { return mutator_.root(kLongLived); }
  double* KeepArray(uint32_t length) {
    mutator_.root(kArray) = mutator_.Allocate(array_, length);
    return array();
  }
  double* array() { return mutator_.doubles(mutator_.root(kArray)) + array_.fixed_words; }

 private:
  static constexpr uint32_t kLongLived = 0;
  static constexpr uint32_t kArray = 1;
  static constexpr uint32_t kFirstTemporary = 2;

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
  const BenchShape array_;
  const BenchShape node_;
  uint32_t top_ = kFirstTemporary;
};

}  // namespace faultline::bench
