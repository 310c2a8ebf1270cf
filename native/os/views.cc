#include "os/views.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>

#include "os/invariant.h"
#include "os/page_size.h"
#include "os/page_touch.h"
#include "os/refusals.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

namespace faultline {

namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kReserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
constexpr uint32_t kOpenTries = 1000;
constexpr int kMove = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

// For Linux before 5.14: the file gets its pages in one call, which can be refused, and then each page is touched once.
Status PopulateByTouching(const MemoryFile& file, size_t offset, uint8_t* start, size_t bytes) {
  if (Status status = file.Allocate(offset, bytes); !status.ok()) return status;
  for (size_t at = 0; at < bytes; at += kPageSize) TouchPage(start + at);
  return {};
}

Status Populate(const MemoryFile& file, uint8_t* view, size_t offset, size_t bytes, int advice) {
  const int refused = Refused(SystemCall::kPopulate);
  if (refused == 0 && madvise(view + offset, bytes, advice) == 0) return {};
  const int error = refused != 0 ? refused : errno;
  if (error == EINVAL) return PopulateByTouching(file, offset, view + offset, bytes);
  return SysError{error, advice == MADV_POPULATE_READ ? "madvise(POPULATE_READ)" : "madvise(POPULATE_WRITE)"};
}

// Removes the entries from a view's page table; the file keeps its pages.
Status TakeOut(uint8_t* start, size_t bytes) {
  if (const int refused = Refused(SystemCall::kTakeOut)) return SysError{refused, "madvise(DONTNEED)"};
  if (madvise(start, bytes, MADV_DONTNEED) == 0) return {};
  // Memory that the process has locked (mlockall) needs a call of its own, which Linux has since 5.18.
  if (errno == EINVAL && madvise(start, bytes, MADV_DONTNEED_LOCKED) == 0) return {};
  return SysError{errno, "madvise(DONTNEED)"};
}

}  // namespace

void Views::ExcludeFromCoreDumps(void* start, size_t bytes) { (void)madvise(start, bytes, MADV_DONTDUMP); }

Status Views::Map(uint8_t* at, CoreDumps core_dumps) {
  if (const int refused = Refused(SystemCall::kMmap)) return SysError{refused, "mmap"};
  void* mapped = mmap(at, span_bytes_, kReadWrite, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file_->fd(), 0);
  if (mapped == MAP_FAILED) return SysError{errno, "mmap"};
  // Huge pages would make one touch publish 512 pages, and a forked child must not share the moving heap.
  if (madvise(at, span_bytes_, MADV_NOHUGEPAGE) != 0 && errno != EINVAL) return SysError{errno, "madvise(NOHUGEPAGE)"};
  if (madvise(at, span_bytes_, MADV_DONTFORK) != 0) return SysError{errno, "madvise(DONTFORK)"};
  if (core_dumps == CoreDumps::kWithHeap) return {};
  if (madvise(at, span_bytes_, MADV_DONTDUMP) != 0) return SysError{errno, "madvise(DONTDUMP)"};
  return {};
}

Status Views::Create(const MemoryFile& file, void* mutator_view, CoreDumps core_dumps) {
  file_ = &file;
  span_bytes_ = SpanBytes(file.bytes());
  borrowed_mutator_view_ = mutator_view != nullptr;

  const size_t own_views = borrowed_mutator_view_ ? 2 : 3;
  reservation_bytes_ = own_views * span_bytes_ + kViewAlignment;
  if (const int refused = Refused(SystemCall::kMmap)) return SysError{refused, "mmap"};
  void* reserved = mmap(nullptr, reservation_bytes_, PROT_NONE, kReserved, -1, 0);
  if (reserved == MAP_FAILED) {
    const SysError error{errno, "mmap"};
    reservation_bytes_ = 0;
    return error;
  }
  reservation_ = static_cast<uint8_t*>(reserved);
  ExcludeFromCoreDumps(reservation_, reservation_bytes_);
  prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, reserved, reservation_bytes_, "faultline-views");

  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(reserved) + kViewAlignment - 1) & ~(kViewAlignment - 1);
  uint8_t* const at = reinterpret_cast<uint8_t*>(aligned);
  scratch_ = at + span_bytes_;
  scratch_emptied_bytes_ = span_bytes_;
  uint8_t* const mutator = borrowed_mutator_view_ ? static_cast<uint8_t*>(mutator_view) : at + 2 * span_bytes_;
  FAULTLINE_CHECK((reinterpret_cast<uintptr_t>(mutator) & (kViewAlignment - 1)) == 0, "the mutator view starts on a 1 GiB boundary");

  // From here on Close releases each of them, even if only some of the calls were allowed.
  alias_ = at;
  if (Status status = Map(alias_, core_dumps); !status.ok()) return status;
  mutator_view_ = mutator;
  return Map(mutator_view_, CoreDumps::kWithoutHeap);
}

void Views::Close() {
  if (borrowed_mutator_view_ && mutator_view_ != nullptr) {
    const int refused = Refused(SystemCall::kMmap);
    if (refused != 0 || mmap(mutator_view_, span_bytes_, kReadWrite, kReserved | MAP_FIXED, -1, 0) == MAP_FAILED) {
      // At the limit of mappings the range still shows the file until its owner unmaps it, so empty the file.
      (void)file_->PunchHole(0, file_->bytes()).ok();
    }
  }
  if (reservation_ != nullptr && munmap(reservation_, reservation_bytes_) != 0) {
    // Its ends may have been merged with a neighbour's mapping, and splitting that needs another mapping.  Unmapping the views needs none.
    munmap(alias_, span_bytes_);
    munmap(scratch_, span_bytes_);
    if (!borrowed_mutator_view_ && mutator_view_ != nullptr) munmap(mutator_view_, span_bytes_);
  }
  reservation_ = mutator_view_ = alias_ = scratch_ = nullptr;
  reservation_bytes_ = span_bytes_ = 0;
}

Status Views::Move(const ViewRange& range) {
  const int refused = Refused(SystemCall::kMremap);
  void* const from = mutator_view_ + range.begin;
  if (refused != 0 || mremap(from, range.bytes(), range.bytes(), kMove, scratch_ + range.begin) == MAP_FAILED) {
    return SysError{refused != 0 ? refused : errno, "mremap(V to scratch)"};
  }
  return {};
}

Status Views::MoveToScratch(std::span<const ViewRange> ranges) {
  FAULTLINE_CHECK(is_scratch_empty(), "scratch is empty before the flip", scratch_emptied_bytes_);
  FAULTLINE_CHECK(!ranges.empty() && ranges.size() <= kMostRanges, "a flip moves some ranges", ranges.size());
  moved_count_ = 0;
  for (const ViewRange& range : ranges) {
    if (Status status = Move(range); !status.ok()) {
      if (moved_count_ > 0) MoveBack();
      return status;
    }
    moved_[moved_count_++] = range;
    scratch_emptied_bytes_ = moved_[0].begin;
  }
  return {};
}

Status Views::MoveToScratch() {
  const ViewRange all = whole();
  return MoveToScratch({&all, 1});
}

void Views::MoveBack() {
  if (Refused(SystemCall::kMremap) != 0) return;
  for (size_t i = 0; i < moved_count_; ++i) {
    const ViewRange& range = moved_[i];
    void* const to = mutator_view_ + range.begin;
    if (mremap(scratch_ + range.begin, range.bytes(), range.bytes(), kMove, to) == MAP_FAILED) return;
  }
  // If refused, what is left there is a view of the file without page tables, which the next flip replaces.
  (void)ReserveScratch(0, span_bytes_);
  scratch_emptied_bytes_ = span_bytes_;
}

Status Views::EmptyMutatorView(const ViewRange& range) { return TakeOut(mutator_view_ + range.begin, range.bytes()); }

bool Views::ReserveScratch(size_t offset, size_t bytes) {
  // Replacing is better than munmap: the address range stays ours.
  if (Refused(SystemCall::kMmap) != 0) return false;
  if (mmap(scratch_ + offset, bytes, PROT_NONE, kReserved | MAP_FIXED, -1, 0) == MAP_FAILED) return false;
  ExcludeFromCoreDumps(scratch_ + offset, bytes);
  return true;
}

bool Views::EmptyScratchPiece(size_t piece_bytes) {
  if (is_scratch_empty()) return true;
  const auto range = std::find_if(moved_.begin(), moved_.begin() + moved_count_,
                                  [this](const ViewRange& moved) { return scratch_emptied_bytes_ < moved.end; });
  const size_t piece = std::min(piece_bytes, range->end - scratch_emptied_bytes_);
  // At the limit of mappings the piece still maps the file, but without entries.  If not even that is allowed (locked memory, an old
  // kernel), the next flip empties it, in its pause.
  if (!ReserveScratch(scratch_emptied_bytes_, piece)) (void)TakeOut(scratch_ + scratch_emptied_bytes_, piece).ok();
  scratch_emptied_bytes_ += piece;
  if (scratch_emptied_bytes_ < range->end) return false;
  if (range + 1 < moved_.begin() + moved_count_) {
    scratch_emptied_bytes_ = range[1].begin;
    return false;
  }
  scratch_emptied_bytes_ = span_bytes_;
  if (piece == range->bytes() && moved_count_ == 1) return true;
  // The pieces left the upper levels of the page table behind.  They are freed now; in the flip that would cost a TLB flush on every CPU.
  (void)ReserveScratch(0, span_bytes_);
  return true;
}

Status Views::PopulateMutatorView(size_t offset, size_t bytes) {
  return Populate(*file_, mutator_view_, offset, bytes, MADV_POPULATE_WRITE);
}

Status Views::MapMutatorView(size_t offset, size_t bytes) { return Populate(*file_, mutator_view_, offset, bytes, MADV_POPULATE_READ); }

Status Views::UnmapMutatorView(size_t offset, size_t bytes) {
  if (madvise(mutator_view_ + offset, bytes, MADV_DONTNEED) == 0) return {};
  return SysError{errno, "madvise(DONTNEED)"};
}

Status Views::PopulateAlias(size_t offset, size_t bytes) { return Populate(*file_, alias_, offset, bytes, MADV_POPULATE_WRITE); }

Status Views::ProtectMutatorView(size_t offset, size_t bytes, bool accessible) {
  if (const int refused = Refused(SystemCall::kMprotect)) return SysError{refused, "mprotect"};
  if (mprotect(mutator_view_ + offset, bytes, accessible ? kReadWrite : PROT_NONE) != 0) {
    return SysError{errno, "mprotect"};
  }
  return {};
}

Status Views::OpenMutatorView() {
  Status status = ProtectMutatorView(0, span_bytes(), true);
  for (uint32_t tries = 1; !status.ok() && tries < kOpenTries; ++tries) {
    const timespec pause = {0, 1'000'000};
    nanosleep(&pause, nullptr);
    status = ProtectMutatorView(0, span_bytes(), true);
  }
  return status;
}

}  // namespace faultline
