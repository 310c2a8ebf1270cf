// Tracing: the work of one marking, divided among the GC workers: roots, written pages, and everything that they lead to.
//
// The same for all markers; they differ in what they add and when.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "gc/gang.h"
#include "gc/marking/dirty_pages.h"
#include "gc/marking/tracer.h"
#include "gc/root_copies.h"
#include "os/lock.h"

namespace faultline {

class Tracing {
 public:
  // See Tracer for `young_from`.
  Tracing(Heap* heap, const uint16_t* young_from);
  ~Tracing();

  // --- Input, while no thread traces; the world is stopped for CopyRoots ----------------------------------------------------------
  // Of long runs, only what differs from what the last call has found (D).
  void CopyRoots(Gang& gang);
  // References to mark.
  void AddReferences(const WordIndex* references, size_t count);
  // Marked objects on written pages in use, but for leaves, are to be traced again; workers find out which pages those are.
  void AddWrittenPages(DirtyPages* dirty_pages);
  // The same, but this call finds out which pages are written.  The world is stopped.  If they are at most `most_pages`, they are not armed
  // again, because nothing is written before they are traced, and the answer is true.  If they are more, the answer is false:
  // kMostArmedInPause of them are armed here and the others stay written, for the next time.  If they are more than kMostLeftForPauses,
  // that would take too many pauses, and workers arm them all.
  static constexpr uint64_t kMostArmedInPause = 512;
  static constexpr uint64_t kMostLeftForPauses = 2048;
  bool AddWrittenPagesUpTo(uint64_t most_pages, Gang& gang, DirtyPages* dirty_pages);
  // Objects that had no header yet.  The world is stopped.
  void AddUnfinished();

  // --- Work -----------------------------------------------------------------------------------------------------------------------
  // In slices; true when nothing is left.
  bool Run(Gang& gang, uint64_t deadline_ns);
  void RunToEnd(Gang& gang);
  // Input is waiting or work is under way.
  bool pending() const { return job_ != nullptr; }

  // --- Results --------------------------------------------------------------------------------------------------------------------
  // Pages found written since pages were last added.
  uint64_t written_pages() const { return written_pages_.load(std::memory_order_relaxed); }
  // Adds the counts to the heap's tables.  No thread traces.
  void Publish();
  // Ends a tracing that was not published, in slices; its mark bits stay, and are counted so that the next marking clears them.
  bool GiveUp(Gang& gang, uint64_t deadline_ns);
  uint64_t marked_objects() const { return marked_objects_; }
  uint64_t marked_words() const { return marked_words_; }
  // Forgets the counts and finds, and which roots were traced, for a new marking.
  void Reset();
  // What the last CopyRoots has found in long runs.
  RootCopies& root_copies() { return root_copies_; }
  // What may have to be cleared: weak slots and ephemerons whose objects and keys were not marked.  No thread traces.
  AllWeakFinds TakeFinds();

 private:
  class TraceJob;
  class CollectJob;
  struct Piece {
    PageIndex first;
    uint32_t count;
  };

  void AddPieces(DirtyPages* dirty_pages, uint32_t piece_pages);
  void ClearPieces();
  // Makes pieces that cover the first `most_pages` written pages found, and forgets the written pages.
  void NarrowPieces(uint64_t most_pages);
  // A piece goes over no leaf region, and over no unused pages: those were never armed and count as written.
  bool MayBeOnePiece(PageIndex first, PageIndex last) const;
  bool Work(uint64_t deadline_ns);
  bool WorkWith(Tracer& tracer, uint64_t deadline_ns);
  bool Exhausted() const;
  std::unique_ptr<Tracer> TakeTracer();
  void Begin();
  void End();

  Heap* heap_;
  const uint16_t* young_from_;
  MarkPool pool_;
  EphemeronTable ephemerons_;
  // Tracers that are not in use; all of them when no thread traces.  They do not belong to worker numbers: a thread that has not noticed
  // yet that its collection is over may still serve under a number that another thread has in the next one.
  Lock lock_;
  std::vector<std::unique_ptr<Tracer>> tracers_;
  std::unique_ptr<Job> job_;

  // Relaxed cursors: they divide the work, the gang orders its results.
  std::vector<WordIndex> references_;
  std::atomic<size_t> next_reference_{0};
  // Parts of root copies, which no pause changes before they are traced.
  RootCopies root_copies_;
  std::vector<std::span<const uint32_t>> copied_roots_;
  std::atomic<size_t> next_copied_{0};
  std::vector<Piece> pieces_;
  std::atomic<size_t> next_piece_{0};
  // Written pages that are known already.
  std::vector<Piece> written_;
  std::atomic<size_t> next_written_{0};
  DirtyPages* dirty_pages_ = nullptr;
  std::atomic<uint64_t> written_pages_{0};

  bool published_ = true;
  uint64_t marked_objects_ = 0;
  uint64_t marked_words_ = 0;
};

}  // namespace faultline
