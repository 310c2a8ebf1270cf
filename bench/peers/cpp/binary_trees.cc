// After binary-trees of the Computer Language Benchmarks Game: one tree lives on, and many of growing depth are made and dropped.
#include "trees.h"
#include "work.h"

namespace faultline::peers {
namespace {

using Node = PlainNode;

class BinaryTrees final : public Work {
 public:
  explicit BinaryTrees(const Parameters& parameters)
      : most_(parameters.Count("maxDepth")), check_every_(parameters.Count("checkEvery")) {
    const uint32_t least = parameters.Count("minDepth");
    for (uint32_t depth = least; depth <= most_; depth += 2) schedule_.Add(depth, false, 1u << (most_ - depth + least));
  }

  void Build() override {
    DropTree(BottomUp<Node>(most_ + 1, 0), most_ + 1);
    long_lived_ = BottomUp<Node>(most_, 0);
  }

  void Step(uint32_t index) override {
    const TreeRun& run = schedule_.At(index);
    DropTree(BottomUp<Node>(run.depth, 0), run.depth);
    if (index % check_every_ == check_every_ - 1) CheckTree(long_lived_, most_);
  }

  void Verify() override {
    CheckTree(long_lived_, most_);
    Add(static_cast<uint32_t>(checks));
  }

  void Corrupt() override { Spoil(long_lived_); }

 private:
  void CheckTree(const Node* tree, uint32_t depth) {
    const uint32_t count = Count(tree, depth, 0, &mismatches);
    Check(count == TreeSize(depth));
    Add(count);
  }

  void DropTree(Node* tree, uint32_t depth) {
    CheckTree(tree, depth);
    FreeTree(tree);
  }

  const uint32_t most_;
  const uint32_t check_every_;
  TreeSchedule schedule_;
  Node* long_lived_ = nullptr;
};

}  // namespace

Work* MakeBinaryTrees(const Parameters& parameters) { return new BinaryTrees(parameters); }

}  // namespace faultline::peers
