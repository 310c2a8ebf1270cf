// LoadBarrierPhase: the collector's half of the load barrier, from the flip to the pause that ends the phase (heap/load_barrier.h has the
// invariants L1 to L4).  A reference is settled when it is the object's new address and every page of the object is built.
#pragma once

#include "gc/compaction/plan.h"
#include "heap/heap.h"
#include "heap/mapped_array.h"

namespace faultline {

class PageService;

class LoadBarrierPhase final : public References {
 public:
  LoadBarrierPhase(Heap* heap, PageService* pages) : heap_(heap), pages_(pages) {}

  Status Open() { return unbuilt_pages_.Create(heap_->regions.count()); }

  // For these two the world is stopped; this cycle's number and region table are set.
  void Raise(const Plan& plan);
  void Lower(const Plan& plan);
  bool raised() const { return raised_; }

  // Called by the thread that has built and published the page.
  void NoteBuilt(PageIndex page);
  void BuildAllOf(WordIndex object, Counter* builder);
  uint32_t Settle(Mutator& mutator, uint32_t* slot, uint32_t value) override;

 private:
  Heap* heap_;
  PageService* pages_;
  // From the flip to the pause that ends the phase; written while the world is stopped.
  bool raised_ = false;
  MappedArray<uint32_t, RegionIndex> unbuilt_pages_;  // Per target, while the barrier is raised (atomic).
};

}  // namespace faultline
