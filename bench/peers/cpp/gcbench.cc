// GCBench of Ellis, Kovac and Boehm: complete binary trees of growing depth, built from the root down and from the leaves up, beside a
// long-lived tree and a long-lived array of doubles.  Every tree is counted when it is done, and so is the long-lived one at the end.
#include "memory.h"
#include "workload.h"

namespace faultline::peers {
namespace {

struct Node {
  Node* left;
  Node* right;
  int32_t i;
  int32_t j;
};

int Nodes(int depth) { return (1 << (depth + 1)) - 1; }

void Populate(Node* node, int depth) {
  if (depth <= 0) return;
  node->left = Allocate<Node>();
  node->right = Allocate<Node>();
  Populate(node->left, depth - 1);
  Populate(node->right, depth - 1);
}

Node* Build(int depth) {
  Node* left = depth <= 0 ? nullptr : Build(depth - 1);
  Node* right = depth <= 0 ? nullptr : Build(depth - 1);
  Node* node = Allocate<Node>();
  node->left = left;
  node->right = right;
  return node;
}

int CountNodes(const Node* node) { return node->left == nullptr ? 1 : 1 + CountNodes(node->left) + CountNodes(node->right); }

void FreeTree(Node* node) {
  if constexpr (kCollected) return;
  if (node->left != nullptr) {
    FreeTree(node->left);
    FreeTree(node->right);
  }
  Free(node);
}

void Count(Tally* tally, const Node* tree, int depth) {
  const int found = CountNodes(tree);
  ++tally->operations;
  tally->checksum = tally->checksum * 31 + static_cast<uint32_t>(found);
  tally->Check(found == Nodes(depth));
}

class Gcbench : public Workload {
 public:
  explicit Gcbench(const Parameters& parameters)
      : min_depth_(parameters.Integer("minDepth")),
        max_depth_(parameters.Integer("maxDepth")),
        long_lived_depth_(parameters.Integer("longLivedDepth")),
        array_elements_(parameters.Integer("arrayElements")) {}

  void Run(Tally* tally, Requests*, int64_t) override {
    const int stretch_depth = max_depth_ + 2;
    Node* stretch = Build(stretch_depth);
    Count(tally, stretch, stretch_depth);
    FreeTree(stretch);
    stretch = nullptr;
    Node* long_lived = Allocate<Node>();
    Populate(long_lived, long_lived_depth_);
    auto* array = static_cast<double*>(AllocateData(sizeof(double) * static_cast<size_t>(array_elements_)));
    for (int i = 1; i < array_elements_ / 2; ++i) array[i] = 1.0 / i;
    for (int depth = min_depth_; depth <= max_depth_; depth += 2) {
      const int rounds = 2 * Nodes(stretch_depth) / Nodes(depth);
      for (int i = 0; i < rounds; ++i) {
        Node* tree = Allocate<Node>();
        Populate(tree, depth);
        Count(tally, tree, depth);
        FreeTree(tree);
      }
      for (int i = 0; i < rounds; ++i) {
        Node* tree = Build(depth);
        Count(tally, tree, depth);
        FreeTree(tree);
      }
    }
    Count(tally, long_lived, long_lived_depth_);
    for (int i = 1; i < array_elements_ / 2; ++i) tally->Check(array[i] == 1.0 / i);
    FreeTree(long_lived);
    Free(array);
  }

 private:
  const int min_depth_;
  const int max_depth_;
  const int long_lived_depth_;
  const int array_elements_;
};

}  // namespace

Workload* MakeGcbench(const Parameters& parameters) { return new Gcbench(parameters); }

}  // namespace faultline::peers
