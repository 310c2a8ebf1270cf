#include "os/views.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#include "os/invariant.h"
#include "os/page_touch.h"
#include "os/refusals.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

namespace faultline {

namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr size_t kPageSize = 4096;
constexpr int kReserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

// Linux before 5.14: the file gets its pages in one call, which can be refused, and each is touched once.
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

}  // namespace

Status Views::Map(uint8_t* at, int protection) {
  if (const int refused = Refused(SystemCall::kMmap)) return SysError{refused, "mmap"};
  void* mapped = mmap(at, span_bytes_, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file_->fd(), 0);
  if (mapped == MAP_FAILED) return SysError{errno, "mmap"};
  // Huge pages would make one touch publish 512 pages, and a forked child must not share the moving heap.
  if (madvise(at, span_bytes_, MADV_NOHUGEPAGE) != 0 && errno != EINVAL) return SysError{errno, "madvise(NOHUGEPAGE)"};
  if (madvise(at, span_bytes_, MADV_DONTFORK) != 0) return SysError{errno, "madvise(DONTFORK)"};
  return {};
}

Status Views::Create(const MemoryFile& file, void* mutator_view, NextView next_view) {
  file_ = &file;
  span_bytes_ = SpanBytes(file.bytes());
  borrowed_mutator_view_ = mutator_view != nullptr;

  const size_t own_views = borrowed_mutator_view_ ? 3 : 4;
  reservation_bytes_ = own_views * span_bytes_ + kViewAlignment;
  if (const int refused = Refused(SystemCall::kMmap)) return SysError{refused, "mmap"};
  void* reserved = mmap(nullptr, reservation_bytes_, PROT_NONE, kReserved, -1, 0);
  if (reserved == MAP_FAILED) {
    const SysError error{errno, "mmap"};
    reservation_bytes_ = 0;
    return error;
  }
  reservation_ = static_cast<uint8_t*>(reserved);
  prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, reserved, reservation_bytes_, "faultline-views");

  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(reserved) + kViewAlignment - 1) & ~(kViewAlignment - 1);
  uint8_t* at = reinterpret_cast<uint8_t*>(aligned);
  uint8_t* const alias = at;
  uint8_t* const next = at + span_bytes_;
  scratch_ = at + 2 * span_bytes_;
  scratch_emptied_bytes_ = span_bytes_;
  uint8_t* const mutator =
      borrowed_mutator_view_ ? static_cast<uint8_t*>(mutator_view) : at + 3 * span_bytes_;
  FAULTLINE_CHECK((reinterpret_cast<uintptr_t>(mutator) & (kViewAlignment - 1)) == 0,
                  "the mutator view starts on a 1 GiB boundary");

  if (Status status = Map(alias, kReadWrite); !status.ok()) return status;
  alias_ = alias;
  const int next_protection = next_view == NextView::kProtected ? PROT_NONE : kReadWrite;
  if (Status status = Map(next, next_protection); !status.ok()) return status;
  next_view_ = next;
  if (Status status = Map(mutator, kReadWrite); !status.ok()) return status;
  mutator_view_ = mutator;
  return {};
}

void Views::Close() {
  if (borrowed_mutator_view_ && mutator_view_ != nullptr) {
    mmap(mutator_view_, span_bytes_, kReadWrite, kReserved | MAP_FIXED, -1, 0);
  }
  if (reservation_ != nullptr) munmap(reservation_, reservation_bytes_);
  reservation_ = mutator_view_ = alias_ = next_view_ = scratch_ = nullptr;
  reservation_bytes_ = span_bytes_ = 0;
}

Status Views::Swap() {
  FAULTLINE_CHECK(scratch_emptied_bytes_ == span_bytes_, "scratch is empty before the flip", scratch_emptied_bytes_);
  constexpr int kFlags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  int refused = Refused(SystemCall::kMremap);
  if (refused != 0 || mremap(mutator_view_, span_bytes_, span_bytes_, kFlags, scratch_) == MAP_FAILED) {
    return SysError{refused != 0 ? refused : errno, "mremap(V to scratch)"};
  }
  refused = Refused(SystemCall::kMremap);
  if (refused != 0 || mremap(next_view_, span_bytes_, span_bytes_, kFlags, mutator_view_) == MAP_FAILED) {
    const SysError error{refused != 0 ? refused : errno, "mremap(W to V)"};
    // V's range still maps the file, with empty page tables.  Its old tables come back from scratch if the kernel
    // lets us; if not, V works all the same and fills itself by ordinary faults.
    if (mremap(scratch_, span_bytes_, span_bytes_, kFlags, mutator_view_) == MAP_FAILED) {
      mmap(scratch_, span_bytes_, PROT_NONE, kReserved | MAP_FIXED, -1, 0);
    }
    return error;
  }
  scratch_emptied_bytes_ = 0;
  return {};
}

void Views::ReserveScratch(size_t offset, size_t bytes) {
  // Replacing beats munmap: the address range stays ours.
  void* replaced = mmap(scratch_ + offset, bytes, PROT_NONE, kReserved | MAP_FIXED, -1, 0);
  FAULTLINE_CHECK(replaced != MAP_FAILED, "an address range that is ours can be reserved again",
                  static_cast<uint64_t>(errno));
}

bool Views::EmptyScratchPiece(size_t piece_bytes) {
  if (scratch_emptied_bytes_ == span_bytes_) return true;
  const size_t left = span_bytes_ - scratch_emptied_bytes_;
  const size_t piece = piece_bytes < left ? piece_bytes : left;
  ReserveScratch(scratch_emptied_bytes_, piece);
  scratch_emptied_bytes_ += piece;
  if (scratch_emptied_bytes_ < span_bytes_) return false;
  // The pieces left the upper levels of the page table behind.  They go now; in the flip they would cost a TLB flush on
  // every CPU.
  ReserveScratch(0, span_bytes_);
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

}  // namespace faultline
