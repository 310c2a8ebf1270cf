// Tracing: one marking's work, divided among the GC workers: roots, written pages, and what they lead to.
//
// The same for every marker; they differ in what they put in and when.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "gc/gang.h"
#include "gc/marking/dirty_pages.h"
#include "gc/marking/tracer.h"
#include "os/lock.h"

namespace faultline {

class Tracing {
 public:
  // See Tracer for `young_from`.
  Tracing(Heap* heap, const uint16_t* young_from);
  ~Tracing();

  // --- Input, while nothing runs; the world is stopped for CopyRoots --------------------------------------------------------------
  void CopyRoots();
  // References to mark.
  void AddReferences(const WordIndex* references, size_t count);
  // Everything that is marked and lies on a page in use that was written is looked into again; workers find out which pages those are.
  void AddWrittenPages(DirtyPages* dirty_pages);
  // The same, but which pages are written is found out here.  The world is stopped.  Up to `most_pages` of them are not armed again, and
  // the answer is true: nobody writes before they are looked into.  Of more than that, kMostArmedInPause are armed here, and the answer is
  // false; the others stay written, for the next time.  With more than kMostLeftForPauses that would take too many pauses: workers arm all.
  static constexpr uint64_t kMostArmedInPause = 512;
  static constexpr uint64_t kMostLeftForPauses = 2048;
  bool AddWrittenPagesUpTo(uint64_t most_pages, Gang& gang, DirtyPages* dirty_pages);
  // What had no header yet.  The world is stopped.
  void AddUnfinished();

  // --- Work -----------------------------------------------------------------------------------------------------------------------
  // In slices; true when nothing is left.
  bool Run(Gang& gang, uint64_t deadline_ns);
  void RunToEnd(Gang& gang);
  // Input is waiting or work is under way.
  bool pending() const { return job_ != nullptr; }

  // --- Results --------------------------------------------------------------------------------------------------------------------
  // Pages found written since the last of these.
  uint64_t written_pages() const { return written_pages_.load(std::memory_order_relaxed); }
  // Adds the counts to the heap's tables.  Nothing runs.
  void Publish();
  // Ends a tracing that was not published, in slices; its bits stay behind, counted, so that the next marking clears them.
  bool GiveUp(Gang& gang, uint64_t deadline_ns);
  uint64_t marked_objects() const { return marked_objects_; }
  uint64_t marked_words() const { return marked_words_; }
  // Forgets the counts and finds, for a new marking.
  void Reset();
  // What may have to be cleared: weak slots and ephemerons whose objects and keys were not marked.  Nothing runs.
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
  // Pieces for the surroundings of the first `most_pages` of the written pages that were found, which are forgotten.
  void NarrowPieces(uint64_t most_pages);
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
  // Those that nobody uses; all of them when nothing runs.  Not one for each worker's number: a thread that has not noticed yet that its
  // collection is over may still serve under a number that another thread has in the next one.
  Lock lock_;
  std::vector<std::unique_ptr<Tracer>> tracers_;
  std::unique_ptr<Job> job_;

  // Relaxed cursors: they divide the work, the gang orders its results.
  std::vector<WordIndex> references_;
  std::atomic<size_t> next_reference_{0};
  std::vector<Piece> pieces_;
  std::atomic<size_t> next_piece_{0};
  // Written pages that are known by now.
  std::vector<Piece> written_;
  std::atomic<size_t> next_written_{0};
  DirtyPages* dirty_pages_ = nullptr;
  std::atomic<uint64_t> written_pages_{0};

  bool published_ = true;
  uint64_t marked_objects_ = 0;
  uint64_t marked_words_ = 0;
};

}  // namespace faultline
