// SyntheticHeap: a heap whose contents a test lays out word by word, with marks set by hand, and a naive model of the result of
// its compaction.  No threads, no flip: plan, address function and page building alone.
#pragma once

#include <map>
#include <vector>

#include "gc/compaction/page_building.h"
#include "gc/compaction/plan.h"
#include "gc/gang.h"
#include "heap/allocation.h"
#include "test_heap.h"

namespace faultline::test {

struct PlacedObject {
  WordIndex at{0};
  uint32_t words = 0;
  bool live = false;   // Marked.
  bool young = false;  // Allocated after marking: alive without a mark.
};

class SyntheticHeap {
 public:
  explicit SyntheticHeap(uint32_t regions, uint32_t tlab_pages = 4);

  // Before marking.  Regions 0 … count - 1 are taken whole, as leaf regions where is_leaf(region) says so, and filled by Place.
  void TakeRegions(uint32_t count) {
    TakeRegions(count, [](RegionIndex) { return false; });
  }
  template <typename IsLeaf>
  void TakeRegions(uint32_t count, IsLeaf is_leaf) {
    for (RegionIndex region{0}; region < count; ++region) TakeRegion(region, is_leaf(region) ? RegionKind::kLeaf : RegionKind::kMixed);
  }
  // Gives region `region` back to be free at the marking (nothing in it is alive).
  void Place(WordIndex at, ShapeId shape, uint32_t count, bool live);
  // Fills [at, end) with objects, leaves in a leaf region, whose sizes straddle blocks, pages and half regions; `live_percent` of them are
  // marked.
  void FillRegion(RegionIndex region, uint32_t live_percent, Random& random);
  void FillOrdinary(WordIndex at, WordIndex end, uint32_t live_percent, Random& random);
  // Pages of `region` from `used` on are not used (the region ends early).
  WordIndex PlaceLarge(uint64_t words, bool live);

  // Marks as a marker would, frees what is dead.
  void EndMarking();

  // After marking: objects from a mutator's TLABs.
  WordIndex PlaceYoung(ShapeId shape, uint32_t count);

  // Every slot of every object (dead ones too) gets null or a random live object.
  void LinkAll(Random& random);

  // What the plan must come to: object → new address, targets in ascending order as the region table hands them out.
  // `targets` is cut to `commit` entries first.  Returns how many of `sources` fit.
  size_t Model(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& targets,
               std::map<WordIndex, WordIndex>* moved) const;
  // The image of the whole heap after the compaction, from the image before it.
  std::vector<uint64_t> ModelImage(const std::vector<uint64_t>& before, const std::map<WordIndex, WordIndex>& moved) const;

  std::vector<uint64_t> Image();
  void Restore(const std::vector<uint64_t>& image);
  // That a plan would get, in ascending order.
  std::vector<RegionIndex> FreeRegions(uint32_t wanted) const;
  std::vector<RegionIndex> LiveRegions() const;
  // As a plan orders them: leaf regions last.
  std::vector<RegionIndex> InEvacuationOrder(std::vector<RegionIndex> sources) const;

  Heap heap;
  Gang gang;
  ShapeId data{0};   // Header, then words of data.
  ShapeId mixed{0};  // 3 reference fields, 1 word of data, then words of data.
  ShapeId array{0};  // 1 reference field, then an array of references.
  std::map<WordIndex, PlacedObject> objects;
  Mutator mutator;

 private:
  void TakeRegion(RegionIndex region, RegionKind kind);
  bool IsLeaf(RegionIndex region) const { return heap.regions.use(region).kind == RegionKind::kLeaf; }

  MappedArray<uint32_t> control_;
};

// A source's readers, counted.
class CountingRelease final : public SourceRelease {
 public:
  explicit CountingRelease(uint32_t regions) : reads(regions, 0) {}
  void SourceRead(RegionIndex source) override { ++reads[source]; }
  std::vector<uint32_t> reads;
};

}  // namespace faultline::test
