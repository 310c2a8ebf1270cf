// MovingProgram: a random program that hides objects from a marker, against a model.  Every object has one reference at a time, and that
// reference keeps moving from places that the marker has not scanned to places that it has.
#pragma once

#include <algorithm>
#include <vector>

#include "test_heap.h"

namespace faultline::test {

struct MovingShapes {
  explicit MovingShapes(TestHeap* test)
      : table(test->DefineShape(0, 0, ElementKind::kReference, 2)), cell(test->DefineShape(1, 1)), item(test->DefineShape(1, 1)) {}
  ShapeId table;  // References to cells.
  ShapeId cell;   // One reference to an item.
  ShapeId item;   // The next of a chain; its identity.
};

// A table of cells, each with a chain of items or nothing.  Only the table has a handle.
class MovingProgram {
 public:
  struct Options {
    uint32_t cells = 2000;
    uint32_t longest_chain = 6;
  };

  MovingProgram(TestHeap* test, const MovingShapes& shapes, uint64_t seed, const Options& options)
      : mutator_(test), random_(seed), shapes_(shapes), options_(options), model_(options.cells) {}

  bool Fill() {
    mutator_.handle(kTable) = mutator_.Allocate(shapes_.table, options_.cells);
    if (mutator_.handle(kTable) == 0) return false;
    for (uint32_t i = 0; i < options_.cells; ++i) {
      const WordIndex cell = mutator_.Allocate(shapes_.cell);
      if (cell == 0) return false;
      mutator_.words(cell)[2] = i;
      mutator_.Store(TableSlot(i), cell);
      if (!Replace(i)) return false;
    }
    return true;
  }

  bool Steps(uint32_t count) {
    for (uint32_t step = 0; step < count; ++step) {
      switch (random_.Below(8)) {
        case 0:
          if (!Replace(Pick())) return false;
          break;
        case 1:
          if (!ReplaceCell(Pick())) return false;
          break;
        case 2:
          Rotate();
          break;
        case 3:
          Check(Pick());
          break;
        default:
          Swap(Pick(), Pick());
          break;
      }
      mutator_.Poll();
    }
    return true;
  }

  void CheckAll() {
    for (uint32_t i = 0; i < options_.cells; ++i) Check(i);
  }

  TestMutator& mutator() { return mutator_; }
  uint64_t checks() const { return checks_; }

 private:
  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kScratch = 1;

  uint32_t Pick() { return random_.Below(options_.cells); }
  uint32_t* TableSlot(uint32_t i) { return &mutator_.reference(mutator_.handle(kTable), i); }
  uint32_t* ItemSlot(uint32_t i) { return &mutator_.reference(mutator_.Load(TableSlot(i)), 0); }
  uint32_t* NextSlot(WordIndex item) { return &mutator_.reference(item, 0); }

  // A new chain in the cell; the old one is garbage.  A safepoint.
  bool Replace(uint32_t i) {
    const uint32_t length = random_.Below(options_.longest_chain + 1);
    std::vector<uint64_t> identities;
    mutator_.handle(kScratch) = 0;
    for (uint32_t k = 0; k < length; ++k) {
      const WordIndex item = mutator_.Allocate(shapes_.item);
      if (item == 0) return false;
      identities.insert(identities.begin(), ++next_identity_);
      mutator_.words(item)[2] = next_identity_;
      *NextSlot(item) = mutator_.handle(kScratch);
      mutator_.handle(kScratch) = item;
    }
    mutator_.Store(ItemSlot(i), mutator_.handle(kScratch));
    mutator_.handle(kScratch) = 0;
    model_[i] = identities;
    return true;
  }

  // The chain goes to a new cell, which takes the old one's place.  A safepoint.
  bool ReplaceCell(uint32_t i) {
    const WordIndex cell = mutator_.Allocate(shapes_.cell);
    if (cell == 0) return false;
    mutator_.words(cell)[2] = i;
    *NextSlot(cell) = mutator_.Load(ItemSlot(i));
    mutator_.Store(ItemSlot(i), 0);
    mutator_.Store(TableSlot(i), cell);
    return true;
  }

  void Swap(uint32_t a, uint32_t b) {
    const uint32_t first = mutator_.Load(ItemSlot(a));
    mutator_.Store(ItemSlot(a), 0);
    const uint32_t second = mutator_.Load(ItemSlot(b));
    mutator_.Store(ItemSlot(b), first);
    if (a != b) mutator_.Store(ItemSlot(a), second);
    std::swap(model_[a], model_[b]);
  }

  // The first item of one chain becomes the first of another.
  void Rotate() {
    const uint32_t a = Pick();
    const uint32_t b = Pick();
    if (a == b || model_[a].empty() || model_[b].size() > size_t{3} * options_.longest_chain) return;
    const WordIndex item = mutator_.Load(ItemSlot(a));
    mutator_.Store(ItemSlot(a), mutator_.Load(NextSlot(item)));
    mutator_.Store(NextSlot(item), mutator_.Load(ItemSlot(b)));
    mutator_.Store(ItemSlot(b), item);
    model_[b].insert(model_[b].begin(), model_[a].front());
    model_[a].erase(model_[a].begin());
  }

  void Check(uint32_t i) {
    const WordIndex cell = mutator_.Load(TableSlot(i));
    EXPECT(mutator_.slots(cell)[0] == shapes_.cell && mutator_.words(cell)[2] == i);
    WordIndex item = mutator_.Load(ItemSlot(i));
    for (const uint64_t identity : model_[i]) {
      EXPECT(item != 0 && mutator_.slots(item)[0] == shapes_.item && mutator_.words(item)[2] == identity);
      item = mutator_.Load(NextSlot(item));
      ++checks_;
    }
    EXPECT(item == 0);
  }

  TestMutator mutator_;
  Random random_;
  MovingShapes shapes_;
  Options options_;
  std::vector<std::vector<uint64_t>> model_;
  uint64_t next_identity_ = 0;
  uint64_t checks_ = 0;
};

}  // namespace faultline::test
