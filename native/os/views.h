// Views: the mappings of one memory file.
//
//     V  mutator view   every load and store of mutators goes here
//     A  alias view     only the collector reads and writes here; never registered with userfaultfd
//     S  scratch        receives the page tables that V had; emptied in pieces before the next flip
//
// All three start on a 1 GiB boundary and span whole GiB (the file may be shorter): then mremap moves page tables one whole gigabyte at a
// time, and the flip costs the same at any heap size.  The move uses MREMAP_DONTUNMAP (for shared files Linux 5.13): V still maps the file,
// without a single entry, and its range is never free for another thread's mmap.
//
// A flip may also move some ranges of V only.  What lies between them keeps its entries, and stays ordinary memory all the time.  Any page
// may be a range's end: entries are moved by the gigabyte or by 2 MiB where the ends allow it, and one by one at them, at 10 ns each.
//
// There is no prepared view that could replace V, because others (a core dump, /proc/PID/mem, process_vm_readv, mlockall) put entries into
// anything that is mapped.  Entries that they put into V itself, between the move and the moment from which touches are held, are removed
// by EmptyMutatorView before any mutator runs (law S).
//
// No view is part of a core dump unless that is requested: the kernel would read the whole file through each of them and fill its holes.
// This flag of a mapping moves with mremap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "os/memory_file.h"
#include "os/result.h"

namespace faultline {

inline constexpr size_t kViewAlignment = size_t{1} << 30;

// [begin, end) of a view, in bytes from its start; both are whole pages.
struct ViewRange {
  size_t begin = 0;
  size_t end = 0;
  size_t bytes() const { return end - begin; }
};

class Views {
 public:
  // Whether core dumps contain the heap: through the alias, which never moves.
  enum class CoreDumps { kWithoutHeap, kWithHeap };

  Views() = default;
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;
  ~Views() { Close(); }

  // Maps the file.  `mutator_view` is an address in memory with another owner (a SharedArrayBuffer), aligned to kViewAlignment and followed
  // by SpanBytes(file) bytes, or null to reserve memory of our own.
  Status Create(const MemoryFile& file, void* mutator_view, CoreDumps core_dumps = CoreDumps::kWithoutHeap);

  // Removes every mapping.  A mutator view in memory with another owner becomes plain zeroed memory.
  void Close();

  // Each takes a pause 25 us longer, with its registration.
  static constexpr size_t kMostRanges = 4;

  // The flip: the page tables of these ranges of V, in ascending order, go to scratch and V has none there: 20 to 35 us for a whole view of
  // any size, about 15 for each range.  Precondition: V is one mapping and not registered with userfaultfd (a registered range is moved
  // entry by entry), all of S has been emptied, every mutator is stopped.  On failure everything is as before.
  Status MoveToScratch(std::span<const ViewRange> ranges);
  // The same for all of V.
  Status MoveToScratch();
  // Undoes that, while mutators are still stopped and V is not registered.  If the kernel refuses, V keeps the tables it has: it shows the
  // same pages and is filled by ordinary faults.
  void MoveBack();
  // Removes every entry from a range of V, 2 to 3 us if there is none.  Works for locked memory too, for which Linux before 5.18 has no
  // call (EINVAL).
  Status EmptyMutatorView(const ViewRange& range);

  // Empties the next piece of scratch, which ends with a range at the latest.  Returns true when nothing is left.  Takes about 30 us a MiB
  // of pages that were mapped.  Works without a new mapping at the limit of mappings.
  bool EmptyScratchPiece(size_t piece_bytes);
  // How much of it is empty, from its start; all of it is the span.
  size_t scratch_emptied_bytes() const { return scratch_emptied_bytes_; }
  bool is_scratch_empty() const { return scratch_emptied_bytes_ == span_bytes_; }

  // Fills page tables so that no thread faults on the range later.  `offset` and `bytes` are in the file.
  Status PopulateMutatorView(size_t offset, size_t bytes);
  // The same by read faults, in half the time if the file has the pages: the kernel maps 16 neighbours at each (fault-around), unless the
  // view is registered.  Writes need no fault later, because the kernel does not track dirty pages of memory files; but pages that were
  // read-only before remain so.
  Status MapMutatorView(size_t offset, size_t bytes);
  // Removes the range from the view's page table; the file keeps its pages, and the next touch of each maps it again.  EINVAL if the
  // process has locked its memory (mlock, mlockall).
  Status UnmapMutatorView(size_t offset, size_t bytes);
  Status PopulateAlias(size_t offset, size_t bytes);

  // Protection of a piece of V (sigsegv mode).
  Status ProtectMutatorView(size_t offset, size_t bytes, bool accessible);
  Status ProtectMutatorView(const ViewRange& range, bool accessible) { return ProtectMutatorView(range.begin, range.bytes(), accessible); }
  // Makes all of V accessible again.  That needs no new mapping: one call merges all existing ones.  The kernel may still be short of
  // memory for a moment, so this is tried for a second.
  Status OpenMutatorView();

  uint8_t* mutator_view() const { return mutator_view_; }
  uint8_t* alias() const { return alias_; }
  size_t span_bytes() const { return span_bytes_; }
  ViewRange whole() const { return {0, span_bytes_}; }
  bool InMutatorView(const void* address) const {
    return reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(mutator_view_) < span_bytes_;
  }

  // For address space without content, which gcore would write out as zeros.
  static void ExcludeFromCoreDumps(void* start, size_t bytes);

  static size_t SpanBytes(size_t file_bytes) { return (file_bytes + kViewAlignment - 1) & ~(kViewAlignment - 1); }

 private:
  Status Map(uint8_t* at, CoreDumps core_dumps);
  Status Move(const ViewRange& range);
  bool ReserveScratch(size_t offset, size_t bytes);

  const MemoryFile* file_ = nullptr;
  uint8_t* mutator_view_ = nullptr;
  uint8_t* alias_ = nullptr;
  uint8_t* scratch_ = nullptr;
  uint8_t* reservation_ = nullptr;
  size_t reservation_bytes_ = 0;
  size_t span_bytes_ = 0;
  size_t scratch_emptied_bytes_ = 0;
  // What the last flip has moved; scratch is empty everywhere else.
  std::array<ViewRange, kMostRanges> moved_;
  size_t moved_count_ = 0;
  bool borrowed_mutator_view_ = false;
};

}  // namespace faultline
