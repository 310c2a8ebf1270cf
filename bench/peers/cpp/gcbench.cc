// After GCBench by Ellis, Kovac and Boehm.  A large tree is made and dropped; a smaller one and an array of doubles live on; then trees
// of growing depth are made from above and from below.  Each node carries the number of its tree and its height.
#include "trees.h"
#include "work.h"

namespace faultline::peers {
namespace {

using Node = LabelledNode;

constexpr uint32_t kLongLivedTree = 0x7fffffff;

class Gcbench final : public Work {
 public:
  explicit Gcbench(const Parameters& parameters)
      : stretch_depth_(parameters.Count("stretchDepth")),
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
    DropTree(BottomUp<Node>(stretch_depth_, 0), stretch_depth_, 0);
    long_lived_ = TopDown<Node>(long_lived_depth_, kLongLivedTree);
    array_ = static_cast<double*>(AllocateData(sizeof(double) * array_length_));
    for (uint32_t i = 0; i < array_length_; ++i) array_[i] = 1.0 / (i + 1);
  }

  void Step(uint32_t index) override {
    const TreeRun& run = schedule_.At(index);
    DropTree(run.top_down ? TopDown<Node>(run.depth, index) : BottomUp<Node>(run.depth, index), run.depth, index);
    if (index % check_every_ == check_every_ - 1) CheckLongLived(array_length_ / 1000 + 1);
  }

  void Verify() override {
    CheckLongLived(1);
    Add(static_cast<uint32_t>(checks));
  }

  void Corrupt() override { Spoil(long_lived_); }

 private:
  void CheckTree(const Node* tree, uint32_t depth, uint32_t number) {
    const uint32_t count = Count(tree, depth, number, &mismatches);
    checks += count;
    if (count != TreeSize(depth)) ++mismatches;
    Add(count);
  }

  void DropTree(Node* tree, uint32_t depth, uint32_t number) {
    CheckTree(tree, depth, number);
    FreeTree(tree);
  }

  void CheckLongLived(uint32_t stride) {
    CheckTree(long_lived_, long_lived_depth_, kLongLivedTree);
    for (uint32_t i = 0; i < array_length_; i += stride) Check(array_[i] == 1.0 / (i + 1));
  }

  const uint32_t stretch_depth_;
  const uint32_t long_lived_depth_;
  const uint32_t array_length_;
  const uint32_t check_every_;
  TreeSchedule schedule_;
  Node* long_lived_ = nullptr;
  double* array_ = nullptr;
};

}  // namespace

Work* MakeGcbench(const Parameters& parameters) { return new Gcbench(parameters); }

}  // namespace faultline::peers
