// GraphCopy: the live heap as a graph: every reachable object, every reference, every root and the beginning of every string.
//
// It is taken with the world stopped and no cycle running, so that it shows one moment of the heap, and read afterwards, while mutators run
// and objects move.  Two passes, neither of which relies on the bits of an earlier marking:
//
//   reach   sets a bit for each object that the roots lead to, ephemerons included, and counts objects and references
//   copy    in the order of addresses; an object's number is the number of bits before its own (one count per 64 words), so that
//           references become numbers without a table of objects
//
// A weak reference is copied if its object is reachable otherwise; the value of an ephemeron is copied if its key is reachable.  Memory,
// besides the bitmap: 16 bytes an object, 8 a reference.  Time: about as long as a verification.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "heap/bitmap.h"
#include "heap/heap.h"

namespace faultline {

class GraphCopy {
 public:
  struct Options {
    // Shapes whose elements are text, of one and two bytes a unit; 0 for none.
    ShapeId one_byte_string{0};
    ShapeId two_byte_string{0};
    uint32_t text_units = 0;  // Of each string at most.
  };

  // All in the order of objects; src/gc/heap-graph.ts has the same layout in GRAPH.
  struct Node {
    uint32_t shape = 0;
    uint32_t elements = 0;
    uint32_t edges = 0;
    uint32_t identity = 0;  // 0 if it was never asked for.
  };
  struct Edge {
    uint32_t slot = 0;    // u32 slots from the object's start.
    uint32_t target = 0;  // Number of an object.
  };
  enum class RootGroup : uint32_t { kShared, kLocals, kHandles, kRange, kFinalizers, kPins };
  struct Root {
    RootGroup group = RootGroup::kShared;
    uint32_t mutator = 0;
    uint32_t range = 0;
    uint32_t index = 0;
    uint32_t target = 0;
  };

  // The world is stopped, the phase is idle.
  Status Take(Heap& heap, const Options& options);

  // A part as bytes.
  enum class Part : uint32_t { kNodes, kEdges, kRoots, kTexts };
  struct Bytes {
    const uint8_t* data;
    size_t bytes;
  };
  Bytes PartOf(Part part) const;

  uint64_t nodes() const { return node_count_; }
  uint64_t edges() const { return edge_count_; }
  uint64_t roots() const { return roots_.size(); }
  uint64_t texts() const { return text_count_; }
  // The first of a range of numbers, one per object, that no other copy of this process uses.
  uint64_t first_number() const { return first_number_; }

 private:
  template <typename Visit>
  void ForEachSlot(WordIndex object, Visit visit) const;
  void NoteRoots();
  void AddRoot(RootGroup group, uint32_t mutator, uint32_t range, uint32_t index, uint32_t root);
  void AddMutatorRoots(Mutator& mutator);
  void Reach(WordIndex reference);
  void ReachAll();
  void Look(WordIndex object);
  void NumberObjects();
  void Copy(WordIndex object, Node* node);
  bool IsText(ShapeId shape) const { return shape == options_.one_byte_string || shape == options_.two_byte_string; }
  // The bytes of a string that are copied.
  uint64_t TextBytes(Header header) const;
  void CopyText(const uint32_t* text, uint64_t bytes);
  uint32_t NumberOf(WordIndex object) const;

  Heap* heap_ = nullptr;
  Options options_;
  Bitmap reached_;
  MappedArray<uint32_t> before_;  // Objects before each block of words.
  std::vector<WordIndex> stack_;
  std::unordered_multimap<WordIndex, WordIndex> waiting_values_;  // Values of ephemerons whose keys were not reached yet, by key.

  MappedArray<Node> nodes_;
  MappedArray<Edge> edges_;
  MappedArray<uint8_t> texts_;
  std::vector<Root> roots_;
  uint64_t node_count_ = 0;
  uint64_t edge_count_ = 0;
  uint64_t text_count_ = 0;
  uint64_t text_bytes_ = 0;
  uint64_t first_number_ = 0;
};

}  // namespace faultline
