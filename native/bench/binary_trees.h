// binary-trees; see bench/workloads/binary-trees.ts.
#pragma once

#include "bench/trees.h"

namespace faultline::bench {

template <typename Access>
class BinaryTrees final : public Work {
 public:
  BinaryTrees(NativeMutator& mutator, const Parameters& parameters, uint32_t)
      : mutator_(mutator),
        trees_(mutator, false, kFirstTemporary),
        most_(parameters.Count("maxDepth")),
        check_every_(parameters.Count("checkEvery")) {
    const uint32_t least = parameters.Count("minDepth");
    for (uint32_t depth = least; depth <= most_; depth += 2) schedule_.Add(depth, false, 1u << (most_ - depth + least));
  }

  void Build() override {
    CheckTree(trees_.BottomUp(most_ + 1, 0), most_ + 1);
    mutator_.root(kLongLived) = trees_.BottomUp(most_, 0);
  }

  void Step(uint32_t index) override {
    const TreeRun& run = schedule_.At(index);
    CheckTree(trees_.BottomUp(run.depth, 0), run.depth);
    if (index % check_every_ == check_every_ - 1) CheckTree(mutator_.root(kLongLived), most_);
  }

  void Verify() override {
    CheckTree(mutator_.root(kLongLived), most_);
    Add(static_cast<uint32_t>(checks));
  }

  void Corrupt() override { trees_.Spoil(mutator_.root(kLongLived)); }

 private:
  static constexpr uint32_t kLongLived = 0;
  static constexpr uint32_t kFirstTemporary = 1;

  void CheckTree(WordIndex tree, uint32_t depth) {
    const uint32_t count = trees_.Count(tree, depth, 0, &mismatches);
    Check(count == TreeSize(depth));
    Add(count);
  }

  NativeMutator& mutator_;
  Trees<Access> trees_;
  const uint32_t most_;
  const uint32_t check_every_;
  TreeSchedule schedule_;
};

}  // namespace faultline::bench
