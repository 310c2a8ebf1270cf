// The trees of gcbench and binary-trees, of pointers.
#pragma once

#include <cstdint>

#include "memory.h"

namespace faultline::peers {

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
class Trees {
 public:
  Node* BottomUp(uint32_t depth, uint32_t tree) {
    Node* const left = depth == 0 ? nullptr : BottomUp(depth - 1, tree);
    Node* const right = depth == 0 ? nullptr : BottomUp(depth - 1, tree);
    Node* const node = NewNode(depth, tree);
    node->left = left;
    node->right = right;
    return node;
  }

  Node* TopDown(uint32_t depth, uint32_t tree) {
    Node* const node = NewNode(depth, tree);
    Populate(node, depth, tree);
    return node;
  }

  uint32_t Count(const Node* node, uint32_t depth, uint32_t tree, uint64_t* mismatches) {
    if (!node->Is(depth, tree)) ++*mismatches;
    if (node->left == nullptr) return 1;
    return 1 + Count(node->left, depth - 1, tree, mismatches) + Count(node->right, depth - 1, tree, mismatches);
  }

  void Drop(Node* node) {
    if constexpr (kCollected) return;
    if (node->left != nullptr) {
      Drop(node->left);
      Drop(node->right);
    }
    Free(node);
  }

  void Spoil(Node* node) {
    while (node->left->left != nullptr) node = node->left;
    Drop(node->left);
    node->left = nullptr;
  }

  void Keep(Node* node) { kept_ = node; }
  Node* kept() { return kept_; }
  double* KeepArray(uint32_t length) { return array_ = static_cast<double*>(AllocateData(length * sizeof(double))); }
  const double* array() const { return array_; }

 private:
  static Node* NewNode(uint32_t depth, uint32_t tree) {
    auto* const node = static_cast<Node*>(AllocateBytes(sizeof(Node)));
    node->Label(depth, tree);
    return node;
  }

  static void Populate(Node* node, uint32_t depth, uint32_t tree) {
    if (depth == 0) return;
    node->left = NewNode(depth - 1, tree);
    Populate(node->left, depth - 1, tree);
    node->right = NewNode(depth - 1, tree);
    Populate(node->right, depth - 1, tree);
  }

  Node* kept_ = nullptr;
  double* array_ = nullptr;
};

}  // namespace faultline::peers
