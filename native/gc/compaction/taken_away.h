// TakenAway: what a flip takes away of the mutator view, and what it leaves there.
//
//     mixed │ targets │ free │ leaf │ leaf │ free │ leaf │ targets │ leaf …
//     ╰── range: taken away ─╯ ╰─── left in the view ───╯ ╰ range ─╯
//
// The pages of a range lose their entries in the page table; each is built, and shown when it is touched.  What is left is ordinary memory
// all the time: no page of it is built or shown, its entries stay, and mutators take buffers there as between two cycles.
//
//   (Y)  What a flip leaves in the view, the cycle does not change: it is a leaf region that stays, a free region, or a source of leaves.
//
// A region that must go is in a range, wherever it lies; that kinds are kept apart by place (heap/regions.h) only makes the ranges few.
// Each makes the pause longer.  So two become one where that loses little: pages between them that stay are shown as they are, and free
// ones are mapped again.  If there are still more than a pause can afford, those become one that lose the least.
//
// A source of leaves that is left still shows its old words: nobody but a stale reference leads there.  In heaps that look for stale
// references (`verify`, heap/poison.h) it must go, so that the touch ends the process.
#pragma once

#include <array>
#include <span>

#include "heap/heap.h"
#include "heap/mapped_array.h"

namespace faultline {

class TakenAway {
 public:
  explicit TakenAway(Heap* heap) : heap_(heap) {}

  Status Open() { return left_.Create(heap_->regions.count()); }

  enum class LeafSources : uint8_t { kGo, kMayStay };

  // What is lost with a page that is taken away for nothing.  To show one that stays, and to unmap it with scratch, takes 0.4 us; free ones
  // are mapped 16 at a time.
  static constexpr uint64_t kPageThatStays = 8;
  static constexpr uint64_t kFreePage = 1;
  // A range takes 25 us, of a pause: as long as 64 pages that stay, and it counts twice.
  static constexpr uint64_t kRange = 128 * kPageThatStays;

  // These in the flip pause, when the table of regions is frozen.  Nothing is taken away where every page is built in the pause, or where
  // loads have a barrier: then nothing counts as left, because pages that stay are built too.
  void Choose(LeafSources sources);
  void ChooseNothing();
  void ChooseAll();
  bool IsAll() const { return count_ == 1 && ranges_[0].bytes() == heap_->views.span_bytes(); }
  // (Y)
  void Check() const;
  // How many pages the file may have in the ranges.
  uint64_t FilePages() const;

  // In ascending order.
  std::span<const ViewRange> ranges() const { return {ranges_.data(), count_}; }
  // Whether this cycle's flip left the region in the view.  Frozen from flip to finish.
  bool IsLeft(RegionIndex region) const { return left_[region] != 0; }

 private:
  bool MustGo(RegionIndex region) const;
  // The caller holds the lock of the regions.
  uint64_t LossOf(RegionIndex region) const;
  // `loss`: of what lies between it and the range before it.
  void Add(RegionIndex region, uint64_t loss);
  void JoinNearest();

  Heap* heap_;
  LeafSources sources_ = LeafSources::kGo;
  std::array<ViewRange, Views::kMostRanges + 1> ranges_;
  std::array<uint64_t, Views::kMostRanges + 1> loss_before_ = {};
  size_t count_ = 0;
  MappedArray<uint8_t, RegionIndex> left_;
};

}  // namespace faultline
