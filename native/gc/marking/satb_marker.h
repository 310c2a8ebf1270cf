// The snapshot-at-the-beginning marker: concurrent, with an explicit write barrier (Yuasa 1990; Garbage-First, ISMM 2004).
//
//   1  TakeRoots  pause        TLABs are retired, roots copied; from here on mutators log every reference that they overwrite, and what
//                              they allocate counts as alive
//   2  Trace      concurrent   everything that the roots and the references in full logs lead to
//   3  Finish     pause        the rest of the logs
//
// Why it is correct (M).  Tracing finds every object that was reachable at the start, unless a slot on the path to it was overwritten
// before it was traced; then the log has the old reference.  An object that was not reachable then and is now is younger.  This holds only
// for programs that store every reference through the barrier (Mutator.setReference); the marker exists for comparison, and for machines
// without write tracking.
#pragma once

#include <vector>

#include "gc/marking/mark_preparation.h"
#include "gc/marking/marker.h"
#include "gc/marking/tracing.h"
#include "os/lock.h"

namespace faultline {

class SatbMarker final : public Marker {
 public:
  explicit SatbMarker(Heap* heap) : heap_(heap), preparation_(heap), tracing_(heap, heap->tables.marked_pages.data()) {}

  MarkerKind kind() const override { return MarkerKind::kSatb; }
  bool decides_at_start() const override { return true; }
  bool Prepare(Gang& gang, uint64_t deadline_ns) override { return preparation_.Run(gang, deadline_ns); }
  void TakeRoots(Gang& gang) override;
  bool Trace(Gang& gang, uint64_t deadline_ns) override;
  void Finish(Gang& gang) override;
  bool Release(Gang& gang, uint64_t deadline_ns) override;
  void TakeLog(Mutator& mutator) override;
  Tracing& tracing() override { return tracing_; }
  uint64_t marked_objects() const override { return tracing_.marked_objects(); }
  uint64_t live_words() const override { return tracing_.marked_words(); }

 private:
  void SetLogging(bool on);
  void AddLogs();

  Heap* heap_;
  MarkPreparation preparation_;
  Tracing tracing_;
  Lock lock_;  // Guards what follows; held only while logs are copied.
  std::vector<WordIndex> logged_;
  bool listening_ = false;
  uint32_t log_rounds_ = 0;
};

}  // namespace faultline
