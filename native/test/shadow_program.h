// ShadowProgram: a random program on one mutator, and the same program on plain vectors.
//
// Node i has handle i, carries its identity, and each of its slots must lead to the node that the model says.  It may have a leaf of any
// size, which only it refers to, and which is written to all the time.  Whatever a collection does between two steps, the next check must
// find the model's graph.
#pragma once

#include <vector>

#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {

// The shapes that all programs on a heap use.
struct ShadowShapes {
  explicit ShadowShapes(TestHeap* test);
  static constexpr uint32_t kFields = 4;
  static constexpr uint32_t kLeafField = kFields;
  ShapeId node;
  ShapeId leaf;
  ShapeId array;
};

class ShadowProgram {
 public:
  struct Options {
    uint32_t nodes = 1500;
    uint32_t large_percent = 0;  // How many of the replaced nodes are followed by a new large array.
    bool may_run_out = false;    // A heap that is exhausted is no failure; the node stays as it was.
  };

  ShadowProgram(TestHeap* test, const ShadowShapes& shapes, uint64_t seed, const Options& options);

  // False when the heap is exhausted although it should not be.
  bool Fill();
  void Steps(uint32_t count);
  void CheckAll();
  // Until `ending`; at least one round.
  bool Run(const std::atomic<bool>& ending);

  TestMutator& mutator() { return mutator_; }
  uint64_t checks() const { return checks_; }

 private:
  static constexpr uint32_t kFields = ShadowShapes::kFields;
  static constexpr uint32_t kLargeSlots = 2;  // Handles behind the nodes'.

  struct Node {
    uint32_t identity = 0;
    uint32_t links[kFields] = {};  // Index of another node + 1, 0 for null.
    uint32_t payload = 0;          // Number of payload elements behind the fields.
    bool has_leaf = false;
    uint32_t leaf_words = 0;    // Its elements …
    uint32_t leaf_version = 0;  // … which all say this.
  };

  uint32_t Pick() { return random_.Below(static_cast<uint32_t>(model_.size())); }
  void Step();
  bool Replace(uint32_t i);
  void ReplaceLarge();
  void CheckLarge(uint32_t slot);
  void ReplaceLeaf(uint32_t i);
  void WriteLeaf(uint32_t i);
  void CheckLeaf(uint32_t i);
  void Cut(uint32_t user, uint32_t field);
  void Check(uint32_t i);

  TestMutator mutator_;
  Random random_;
  ShadowShapes shapes_;
  Options options_;
  std::vector<Node> model_;
  struct Large {
    uint32_t count = 0;
    uint32_t stride = 0;
    std::vector<uint32_t> links;  // Every stride-th element: index of a node + 1.
  } large_[kLargeSlots];
  uint32_t next_identity_ = 0;
  uint64_t checks_ = 0;
};

// A heap with one program on it, which is filled.
struct HeapWithProgram {
  HeapWithProgram(const TestHeap::Options& options, uint64_t seed, const ShadowProgram::Options& program_options)
      : test(options), shapes(&test), program(&test, shapes, seed, program_options) {
    EXPECT(program.Fill());
  }
  TestHeap test;
  const ShadowShapes shapes;
  ShadowProgram program;
};

}  // namespace faultline::test
