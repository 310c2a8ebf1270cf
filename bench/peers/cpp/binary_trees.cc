// binary-trees of the Computer Language Benchmarks Game: many short-lived trees beside one that lives throughout.
#include <algorithm>

#include "memory.h"
#include "workload.h"

namespace faultline::peers {
namespace {

constexpr int kMinDepth = 4;

struct Node {
  Node* left;
  Node* right;
};

Node* Build(int depth) {
  Node* left = depth == 0 ? nullptr : Build(depth - 1);
  Node* right = depth == 0 ? nullptr : Build(depth - 1);
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

// Counts the tree and lets go of it.
void Finish(Tally* tally, Node* tree, int depth) {
  const int found = CountNodes(tree);
  ++tally->operations;
  tally->checksum = tally->checksum * 31 + static_cast<uint32_t>(found);
  tally->Check(found == (1 << (depth + 1)) - 1);
  FreeTree(tree);
}

class BinaryTrees : public Workload {
 public:
  explicit BinaryTrees(const Parameters& parameters) : max_depth_(std::max(kMinDepth + 2, parameters.Integer("maxDepth"))) {}

  void Run(Tally* tally, Requests*, int64_t) override {
    Finish(tally, Build(max_depth_ + 1), max_depth_ + 1);
    Node* long_lived = Build(max_depth_);
    for (int depth = kMinDepth; depth <= max_depth_; depth += 2) {
      const int rounds = 1 << (max_depth_ - depth + kMinDepth);
      for (int i = 0; i < rounds; ++i) Finish(tally, Build(depth), depth);
    }
    Finish(tally, long_lived, max_depth_);
  }

 private:
  const int max_depth_;
};

}  // namespace

Workload* MakeBinaryTrees(const Parameters& parameters) { return new BinaryTrees(parameters); }

}  // namespace faultline::peers
