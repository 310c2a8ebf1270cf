// gcbench; see bench/workloads/gcbench.ts.  `Trees` is described in tree_schedule.h.
#pragma once

#include "tree_schedule.h"
#include "work.h"

namespace faultline::bench {

template <typename Trees>
class GcBench final : public Work {
 public:
  GcBench(const auto& parameters, Trees trees)
      : trees_(trees),
        stretch_depth_(parameters.Count("stretchDepth")),
        long_lived_depth_(parameters.Count("longLivedDepth")),
        array_length_(parameters.Count("arrayLength")),
        check_every_(parameters.Count("checkEvery")) {
    const uint32_t most = parameters.Count("maxDepth");
    for (uint32_t depth = parameters.Count("minDepth"); depth <= most; depth += 2) {
      const uint32_t count = 2 * TreeSize(stretch_depth_) / TreeSize(depth);
      schedule_.Add(depth, true, count);
      schedule_.Add(depth, false, count);
    }
  }

  void Build() override {
    DropTree(trees_.BottomUp(stretch_depth_, 0), stretch_depth_, 0);
    trees_.Keep(trees_.TopDown(long_lived_depth_, kLongLivedTree));
    double* const elements = trees_.KeepArray(array_length_);
    for (uint32_t i = 0; i < array_length_; ++i) elements[i] = 1.0 / (i + 1);
  }

  void Step(uint32_t index) override {
    const TreeRun& run = schedule_.At(index);
    DropTree(run.top_down ? trees_.TopDown(run.depth, index) : trees_.BottomUp(run.depth, index), run.depth, index);
    if (index % check_every_ == check_every_ - 1) CheckLongLived(array_length_ / 1000 + 1);
  }

  void Verify() override {
    CheckLongLived(1);
    Add(static_cast<uint32_t>(checks));
  }

  void Corrupt() override { trees_.Spoil(trees_.kept()); }

 private:
  static constexpr uint32_t kLongLivedTree = 0x7fffffff;

  void CheckTree(auto tree, uint32_t depth, uint32_t number) {
    const uint32_t count = trees_.Count(tree, depth, number, &mismatches);
    checks += count;
    if (count != TreeSize(depth)) ++mismatches;
    Add(count);
  }

  void DropTree(auto tree, uint32_t depth, uint32_t number) {
    CheckTree(tree, depth, number);
    trees_.Drop(tree);
  }

  void CheckLongLived(uint32_t stride) {
    CheckTree(trees_.kept(), long_lived_depth_, kLongLivedTree);
    const double* const elements = trees_.array();
    for (uint32_t i = 0; i < array_length_; i += stride) Check(elements[i] == 1.0 / (i + 1));
  }

  Trees trees_;
  const uint32_t stretch_depth_;
  const uint32_t long_lived_depth_;
  const uint32_t array_length_;
  const uint32_t check_every_;
  TreeSchedule schedule_;
};

}  // namespace faultline::bench
