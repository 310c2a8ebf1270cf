// gcbench; see bench/workloads/gcbench.ts.
#pragma once

#include "bench/trees.h"

namespace faultline::bench {

template <typename Access>
class GcBench final : public Work {
 public:
  GcBench(NativeMutator& mutator, const Parameters& parameters, uint32_t)
      : mutator_(mutator),
        trees_(mutator, true, kFirstTemporary),
        array_(mutator.DefineArray("bench.doubles", 0, false)),
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
    CheckTree(trees_.BottomUp(stretch_depth_, 0), stretch_depth_, 0);
    mutator_.root(kLongLived) = trees_.TopDown(long_lived_depth_, kLongLivedTree);
    const WordIndex array = mutator_.Allocate(array_, array_length_);
    mutator_.root(kArray) = array;
    double* const elements = mutator_.doubles(array) + array_.fixed_words;
    for (uint32_t i = 0; i < array_length_; ++i) elements[i] = 1.0 / (i + 1);
  }

  void Step(uint32_t index) override {
    const TreeRun& run = schedule_.At(index);
    CheckTree(run.top_down ? trees_.TopDown(run.depth, index) : trees_.BottomUp(run.depth, index), run.depth, index);
    if (index % check_every_ == check_every_ - 1) CheckLongLived(array_length_ / 1000 + 1);
  }

  void Verify() override {
    CheckLongLived(1);
    Add(static_cast<uint32_t>(checks));
  }

  void Corrupt() override { trees_.Spoil(mutator_.root(kLongLived)); }

 private:
  static constexpr uint32_t kLongLived = 0;
  static constexpr uint32_t kArray = 1;
  static constexpr uint32_t kFirstTemporary = 2;
  static constexpr uint32_t kLongLivedTree = 0x7fffffff;

  void CheckTree(WordIndex tree, uint32_t depth, uint32_t number) {
    const uint32_t count = trees_.Count(tree, depth, number, &mismatches);
    checks += count;
    if (count != TreeSize(depth)) ++mismatches;
    Add(count);
  }

  void CheckLongLived(uint32_t stride) {
    CheckTree(mutator_.root(kLongLived), long_lived_depth_, kLongLivedTree);
    const double* const elements = mutator_.doubles(mutator_.root(kArray)) + array_.fixed_words;
    for (uint32_t i = 0; i < array_length_; i += stride) Check(elements[i] == 1.0 / (i + 1));
  }

  NativeMutator& mutator_;
  Trees<Access> trees_;
  const BenchShape array_;
  const uint32_t stretch_depth_;
  const uint32_t long_lived_depth_;
  const uint32_t array_length_;
  const uint32_t check_every_;
  TreeSchedule schedule_;
};

}  // namespace faultline::bench
