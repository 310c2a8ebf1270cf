// Marker: finds what is alive.  The interface that any marker fills, and the one that works inside a pause.
//
// What a marker leaves behind when it is done (invariant M): every reachable object that existed has its bit in
// `object_starts`, and `live_word_counts` says how many words of each region belong to such objects.  A concurrent marker
// does most of its work before Finish and the rest in it; this one does everything in Finish.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "gc/gang.h"
#include "heap/heap.h"

namespace faultline {

class Marker {
 public:
  virtual ~Marker() = default;

  // Before the pause, mutators run.  True when ready for the pause, false when the time is over.
  virtual bool Prepare(Gang& gang, uint64_t deadline_ns) = 0;

  // In the pause, TLABs retired.
  virtual void Finish(Gang& gang) = 0;

  virtual uint64_t marked_objects() const = 0;
  virtual uint64_t live_words() const = 0;
};

// Parallel tracing with the world stopped.  Workers keep private stacks and trade chunks of entries through a shared
// pool when somebody is short of work (Ossia et al., "A parallel, incremental and concurrent GC", PLDI 2002, work packets).
class StoppedMarker final : public Marker {
 public:
  explicit StoppedMarker(Heap* heap);
  ~StoppedMarker() override;

  bool Prepare(Gang& gang, uint64_t deadline_ns) override;
  void Finish(Gang& gang) override;
  uint64_t marked_objects() const override { return marked_objects_; }
  uint64_t live_words() const override { return live_words_; }

 private:
  class PrepareJob;
  class TraceJob;

  Heap* heap_;
  std::unique_ptr<Job> prepare_job_;
  std::atomic<RegionIndex> prepare_cursor_{0};
  bool prepared_ = false;
  uint64_t marked_objects_ = 0;
  uint64_t live_words_ = 0;
};

}  // namespace faultline
