// The barrier-free marker: concurrent, and mutators execute nothing for it.
//
//   1  Prepare    concurrent   all pages of the view in use are armed, but for leaf regions (gc/marking/dirty_pages.h), before the first
//                              object is traced: arming later would lose writes
//   2  TakeRoots  pause        roots copied
//   3  Trace      concurrent   everything that they lead to
//   4  rounds                  TakeRoots again, then marked objects on written pages are traced again, and everything that they lead to.
//                              What is written during a round is left for the next
//   5  Finish     pause        the same for the last time; nothing is written meanwhile.  If more pages were written than a short pause
//                              can rescan, BeginFinishOrRound arms some hundred of them and resumes the mutators while those are
//                              rescanned: that round leaves the other pages and those written during it, but not those written during
//                              a scan of all page tables
//   6  Release    concurrent   the view is ordinary memory again, long before the flip
//
// Why it is correct (M).  Take a marked object and one of its slots, at the end of Finish.  If the slot's page was not written after the
// object was last traced, the slot's referent was marked then.  If it was written, the page is in the written set, and the set was examined
// after the write: by a later round or by Finish.  Objects younger than the start are no exception: roots lead to them, or slots on written
// pages.  This is an incremental-update collector (Dijkstra et al. 1978; Boehm, Demers & Shenker, "Mostly parallel garbage collection",
// PLDI 1991) whose write barrier is in the kernel.
#pragma once

#include "gc/marking/dirty_pages.h"
#include "gc/marking/mark_preparation.h"
#include "gc/marking/marker.h"
#include "gc/marking/tracing.h"

namespace faultline {

class BarrierFreeMarker final : public Marker {
 public:
  explicit BarrierFreeMarker(Heap* heap) : preparation_(heap), dirty_pages_(heap), tracing_(heap, nullptr) {}

  MarkerKind kind() const override { return MarkerKind::kBarrierFree; }
  bool has_rounds() const override { return true; }
  bool leaves_view_read_only() const override { return true; }
  Status Open() override { return dirty_pages_.Open(); }
  void Close() override { dirty_pages_.Close(); }

  bool Prepare(Gang& gang, uint64_t deadline_ns) override { return preparation_.Run(gang, deadline_ns) && dirty_pages_.Begin(deadline_ns); }

  void TakeRoots(Gang& gang) override {
    if (rounds_ == 0) tracing_.Reset();
    tracing_.CopyRoots(gang);
    if (rounds_ > 0) tracing_.AddWrittenPages(&dirty_pages_);
    ++rounds_;
  }

  bool Trace(Gang& gang, uint64_t deadline_ns) override { return tracing_.Run(gang, deadline_ns); }
  uint64_t written_pages() const override { return tracing_.written_pages(); }

  bool BeginFinishOrRound(Gang& gang, uint64_t most_written_pages) override {
    if (tracing_.AddWrittenPagesUpTo(most_written_pages, gang, &dirty_pages_)) return true;
    tracing_.CopyRoots(gang);
    ++rounds_;
    return false;
  }

  void Finish(Gang& gang) override {
    tracing_.CopyRoots(gang);
    tracing_.AddUnfinished();
    tracing_.RunToEnd(gang);
    tracing_.Publish();
  }

  bool Release(Gang& gang, uint64_t deadline_ns) override {
    if (!tracing_.GiveUp(gang, deadline_ns) || !dirty_pages_.End(deadline_ns)) return false;
    preparation_.Reset();
    rounds_ = 0;
    return true;
  }

  void NoteAliasWrite(PageIndex first, uint32_t count) override { dirty_pages_.Note(first, count); }
  Tracing& tracing() override { return tracing_; }
  uint64_t marked_objects() const override { return tracing_.marked_objects(); }
  uint64_t live_words() const override { return tracing_.marked_words(); }

 private:
  MarkPreparation preparation_;
  DirtyPages dirty_pages_;
  Tracing tracing_;
  uint32_t rounds_ = 0;
};

}  // namespace faultline
