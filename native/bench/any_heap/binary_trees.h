// binary-trees; see bench/workloads/binary-trees.ts.  `Trees` is described in tree_schedule.h.
#pragma once

#include "tree_schedule.h"
#include "work.h"

namespace faultline::bench {

template <typename Trees>
class BinaryTrees final : public Work {
 public:
  BinaryTrees(const auto& parameters, Trees trees)
      : trees_(trees), most_(parameters.Count("maxDepth")), check_every_(parameters.Count("checkEvery")) {
    const uint32_t least = parameters.Count("minDepth");
    for (uint32_t depth = least; depth <= most_; depth += 2) schedule_.Add(depth, false, 1u << (most_ - depth + least));
  }

  void Build() override {
    DropTree(trees_.BottomUp(most_ + 1, 0), most_ + 1);
    trees_.Keep(trees_.BottomUp(most_, 0));
  }

  void Step(uint32_t index) override {
    const TreeRun& run = schedule_.At(index);
    DropTree(trees_.BottomUp(run.depth, 0), run.depth);
    if (index % check_every_ == check_every_ - 1) CheckTree(trees_.kept(), most_);
  }

  void Verify() override {
    CheckTree(trees_.kept(), most_);
    Add(static_cast<uint32_t>(checks));
  }

  void Corrupt() override { trees_.Spoil(trees_.kept()); }

 private:
  void CheckTree(auto tree, uint32_t depth) {
    const uint32_t count = trees_.Count(tree, depth, 0, &mismatches);
    Check(count == TreeSize(depth));
    Add(count);
  }

  void DropTree(auto tree, uint32_t depth) {
    CheckTree(tree, depth);
    trees_.Drop(tree);
  }

  Trees trees_;
  const uint32_t most_;
  const uint32_t check_every_;
  TreeSchedule schedule_;
};

}  // namespace faultline::bench
