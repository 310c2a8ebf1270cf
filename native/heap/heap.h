// Heap: the memory and all data about it.  Policy and phases are in gc/.
#pragma once

#include <memory>

#include "heap/finalizers.h"
#include "heap/handshake.h"
#include "heap/keyed_hash.h"
#include "heap/layout.h"
#include "heap/object.h"
#include "heap/pins.h"
#include "heap/regions.h"
#include "heap/shapes.h"
#include "heap/side_tables.h"
#include "heap/statistics.h"
#include "heap/thread_directory.h"
#include "os/memory_file.h"
#include "os/views.h"

namespace faultline {

// The calls of mutators to the collector, each on the mutator's own thread, running, without the lock of the regions.
class CollectorHooks {
 public:
  virtual ~CollectorHooks() = default;
  // When memory is handed out.  True from the flip until the mutator view is ordinary memory again; to a running mutator it can turn false,
  // but not true.
  virtual bool Armed() const = 0;
  // The same for one page, which the flip may have left in the view (Y).
  virtual bool IsArmed(PageIndex page) const = 0;
  // When zeroed pages that are armed are handed out, of which no collection knows: makes them visible in the mutator view.
  virtual void PublishFresh(PageIndex first, uint32_t count) = 0;
  // The same for a large object while anything is armed; its pages are shown one by one when they are touched.
  virtual void AnnounceFresh(PageIndex first, uint32_t count) = 0;
  // When there is no memory: frees the sources that have no readers left; true when there were any.
  virtual bool RecycleSources() = 0;
  // After each write through the alias, which the kernel's write tracking does not see.
  virtual void NoteAliasWrite(PageIndex first, uint32_t count) = 0;
  // When the log of the mutator's write barrier is full, and when the mutator ends, on the thread that ends it.
  virtual void TakeLog(Mutator& mutator) = 0;
};

// What the collector does for a load of a reference that may be out of date (heap/load_barrier.h).
class References {
 public:
  virtual ~References() = default;
  // Returns the object's new address, with all its pages built, and writes it to the slot, which held `value`.
  virtual uint32_t Settle(Mutator& mutator, uint32_t* slot, uint32_t value) = 0;
};

class Heap {
 public:
  struct Options {
    uint32_t capacity_regions = 0;
    uint32_t reserve_regions = 0;
    uint32_t tlab_pages = 16;
    void* mutator_view = nullptr;      // Null: native memory of our own.
    uint32_t* shared_roots = nullptr;  // kSharedRootSlots slots.
    Views::CoreDumps core_dumps = Views::CoreDumps::kWithoutHeap;
    bool barriered_loads = false;
    bool poisons = false;          // See heap/poison.h.
    uint32_t first_region = 0;     // If `poisons`: where allocation begins, so that heaps do not give out the same numbers.
    uint8_t* unsettled = nullptr;  // For barriered loads: a byte a region, zeroed.  Null: memory of our own.
  };

  Heap() = default;
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  Status Create(const Options& options);

  // The heap and its objects through the alias, as words and as u32 slots.  Collector only.
  uint64_t* words() { return reinterpret_cast<uint64_t*>(views.alias()); }
  uint32_t* slots() { return reinterpret_cast<uint32_t*>(views.alias()); }
  Header HeaderOf(WordIndex object) { return HeaderAt(words(), object); }
  uint32_t* SlotsOf(WordIndex object) { return SlotsAt(words(), object); }
  uint64_t WordsOf(WordIndex object) {
    const Header header = HeaderOf(object);
    return shapes[header.shape].Words(header.count);
  }
  // The word that is ephemeron `index` of a table, key and value.
  WordIndex PairOf(WordIndex table, uint32_t index) { return table + shapes[HeaderOf(table).shape].fixed_words + index; }

  // An object through the mutator view.  The caller is a running mutator.
  Header MutatorHeaderOf(WordIndex object) { return HeaderAt(reinterpret_cast<uint64_t*>(views.mutator_view()), object); }
  uint32_t* MutatorSlotsOf(WordIndex object) { return SlotsAt(reinterpret_cast<uint64_t*>(views.mutator_view()), object); }

  // Where its objects are allocated.
  RegionKind KindOf(ShapeId shape) const { return separates_kinds && shapes[shape].is_leaf() ? RegionKind::kLeaf : RegionKind::kMixed; }

  uint32_t page_count() const { return regions.count() << kRegionPagesLog2; }
  PageIndex end_page() const { return FirstPageOfRegion(regions.end()); }
  size_t bytes() const { return size_t{regions.count()} * kRegionBytes; }
  // How much of a view, from a region's first byte on, goes into one step of work that only pages cost: as far as `most` committed regions
  // lie in it, and to the end of the view if there are no more.
  size_t StepFrom(size_t offset, uint32_t most) const {
    const RegionIndex end = regions.committed().StretchEnd(RegionIndex(offset / kRegionBytes), most);
    return (end < regions.end() ? size_t{end} * kRegionBytes : views.span_bytes()) - offset;
  }

  // Visits every root slot that holds a reference.  The world is stopped; see RootRun for what may change even then.
  template <typename Visit>
  void ForEachRoot(Visit visit) {
    ForEachRun([&](const RootRun& run) { run.ForEachRoot(visit); }, [] {});
  }
  // The same for runs of root slots.  `next_owner` is called before the roots of each owner: all threads together, each mutator, the
  // finalizers, the pins.
  template <typename Visit, typename NextOwner>
  void ForEachRun(Visit visit, NextOwner next_owner) {
    const auto visit_one = [&](uint32_t* slot) { visit(RootRun{slot, 1}); };
    next_owner();
    visit(RootRun{shared_roots, kSharedRootSlots});
    for (Mutator* mutator : handshake.mutators()) {
      next_owner();
      mutator->ForEachRun(visit);
    }
    next_owner();
    finalizers.ForEachRoot(visit_one);
    next_owner();
    pins.ForEachRoot(visit_one);
  }

  // Whether the number may be a reference to an object, judging by the header there.  The caller is a running mutator.
  bool IsObject(WordIndex reference) {
    if (reference < kPageWords || RegionOf(reference) >= regions.count()) return false;
    return shapes.IsValid(MutatorHeaderOf(reference).shape);
  }

  void NotePeak();

  // Wakes the mutators that wait for memory, or for the end of a collection.
  void TellMemoryMayBeFree();

  // The heap's secret, shared by all its threads and never revealed.  Values that a program chooses are hashed with it.
  HashKey hash_key;
  MemoryFile file;
  Views views;
  ShapeTable shapes;
  Regions regions;
  SideTables tables;
  Handshake handshake;
  Finalizers finalizers;
  Pins pins;
  Statistics statistics;
  uint32_t* shared_roots = nullptr;
  uint32_t tlab_pages = 16;
  bool separates_kinds = false;
  // Freed memory is overwritten, and reused as late as possible (heap/poison.h).
  bool poisons = false;
  CollectorHooks* collector_hooks = nullptr;
  // Before this region the mutator view is write-tracked, or was since its page tables came into use: pages not in use are mapped
  // read-only, or would be by a read.  Only a hint how to populate; relaxed, it orders nothing.
  std::atomic<uint32_t> read_only_until{0};
  // Null except in the mode with a load barrier.
  uint8_t* unsettled = nullptr;
  References* references = nullptr;
  ThreadDirectory threads;

  // Futex word: grows whenever memory may have become free or a collection ended.
  std::atomic<uint32_t> memory_epoch{0};

 private:
  MappedArray<uint32_t> own_roots_;
  MappedArray<uint8_t> own_unsettled_;
};

}  // namespace faultline
