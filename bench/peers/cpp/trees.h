// Trees: binary trees built from below or from above, and counted.  The material of gcbench and binary-trees.
#pragma once

#include <cstdint>
#include <vector>

#include "memory.h"

namespace faultline::peers {

// Nodes of a full tree; a tree of depth 0 is one node.
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

struct PlainNode {
  PlainNode* left;
  PlainNode* right;
  void Label(uint32_t, uint32_t) {}
  bool Is(uint32_t, uint32_t) const { return true; }
};

struct LabelledNode {
  LabelledNode* left;
  LabelledNode* right;
  uint32_t tree;
  uint32_t depth;
  void Label(uint32_t of_depth, uint32_t of_tree) {
    tree = of_tree;
    depth = of_depth;
  }
  bool Is(uint32_t of_depth, uint32_t of_tree) const { return tree == of_tree && depth == of_depth; }
};

template <typename Node>
Node* NewNode(uint32_t depth, uint32_t tree) {
  auto* node = static_cast<Node*>(AllocateBytes(sizeof(Node)));
  node->Label(depth, tree);
  return node;
}

template <typename Node>
Node* BottomUp(uint32_t depth, uint32_t tree) {
  Node* const left = depth == 0 ? nullptr : BottomUp<Node>(depth - 1, tree);
  Node* const right = depth == 0 ? nullptr : BottomUp<Node>(depth - 1, tree);
  Node* const node = NewNode<Node>(depth, tree);
  node->left = left;
  node->right = right;
  return node;
}

template <typename Node>
void Populate(Node* node, uint32_t depth, uint32_t tree) {
  if (depth == 0) return;
  node->left = NewNode<Node>(depth - 1, tree);
  Populate(node->left, depth - 1, tree);
  node->right = NewNode<Node>(depth - 1, tree);
  Populate(node->right, depth - 1, tree);
}

template <typename Node>
Node* TopDown(uint32_t depth, uint32_t tree) {
  Node* const node = NewNode<Node>(depth, tree);
  Populate(node, depth, tree);
  return node;
}

// Nodes, of which each must say what it is.
template <typename Node>
uint32_t Count(const Node* node, uint32_t depth, uint32_t tree, uint64_t* mismatches) {
  if (!node->Is(depth, tree)) ++*mismatches;
  if (node->left == nullptr) return 1;
  return 1 + Count(node->left, depth - 1, tree, mismatches) + Count(node->right, depth - 1, tree, mismatches);
}

template <typename Node>
void FreeTree(Node* node) {
  if constexpr (kCollected) return;
  if (node->left != nullptr) {
    FreeTree(node->left);
    FreeTree(node->right);
  }
  Free(node);
}

// Cuts the leftmost leaf off.
template <typename Node>
void Spoil(Node* node) {
  while (node->left->left != nullptr) node = node->left;
  FreeTree(node->left);
  node->left = nullptr;
}

}  // namespace faultline::peers
