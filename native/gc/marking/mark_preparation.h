// Mark preparation: clears the tables of the last marking and fills the alias's page tables while mutators run, so that no pause has to.
#pragma once

#include <atomic>
#include <memory>

#include "gc/gang.h"
#include "heap/heap.h"

namespace faultline {

class MarkPreparation {
 public:
  explicit MarkPreparation(Heap* heap) : heap_(heap) {}

  // In slices; true when done, and again after Reset.
  bool Run(Gang& gang, uint64_t deadline_ns);
  void Reset() { done_ = false; }
  bool done() const { return done_; }

 private:
  class ClearJob;

  // The next committed region that nobody has taken, for whoever comes; the end of all regions when there is none.
  RegionIndex TakeRegion();

  Heap* heap_;
  std::unique_ptr<Job> job_;
  std::atomic<uint32_t> cursor_{0};  // Behind the last region that was taken.
  bool done_ = false;
};

}  // namespace faultline
