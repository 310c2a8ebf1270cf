#include "os/pinned_mapping.h"

#include <cerrno>

#include <sys/mman.h>

#include "os/mapping_reserve.h"
#include "os/page_size.h"
#include "os/page_touch.h"
#include "os/refusals.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace faultline {

namespace {

Status Populate(uint8_t* start, size_t bytes) {
  const int refused = Refused(SystemCall::kPopulate);
  if (refused == 0 && madvise(start, bytes, MADV_POPULATE_WRITE) == 0) return {};
  const int error = refused != 0 ? refused : errno;
  if (error != EINVAL) return SysError{error, "madvise(POPULATE_WRITE)"};
  // Linux before 5.14.  The file has these pages, because the object was zeroed when it was allocated.
  for (size_t at = 0; at < bytes; at += kPageSize) TouchPage(start + at);
  return {};
}

}  // namespace

Status PinnedMapping::Create(const MemoryFile& file, size_t offset, size_t bytes) {
  if (!MappingReserve::Hold()) return SysError{ENOMEM, "mmap"};
  const Status status = Map(file, offset, bytes);
  if (!status.ok()) MappingReserve::GiveBack();
  return status;
}

Status PinnedMapping::Map(const MemoryFile& file, size_t offset, size_t bytes) {
  const size_t first = offset & ~(kPageSize - 1);
  const size_t length = ((offset + bytes + kPageSize - 1) & ~(kPageSize - 1)) - first;
  if (const int refused = Refused(SystemCall::kMmap)) return SysError{refused, "mmap"};
  void* const mapped = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), static_cast<off_t>(first));
  if (mapped == MAP_FAILED) return SysError{errno, "mmap"};
  start_ = static_cast<uint8_t*>(mapped);
  mapped_bytes_ = length;
  data_ = start_ + (offset - first);
  if (madvise(start_, length, MADV_NOHUGEPAGE) != 0 && errno != EINVAL) return SysError{errno, "madvise(NOHUGEPAGE)"};
  if (madvise(start_, length, MADV_DONTFORK) != 0) return SysError{errno, "madvise(DONTFORK)"};
  if (madvise(start_, length, MADV_DONTDUMP) != 0) return SysError{errno, "madvise(DONTDUMP)"};
  return Populate(start_, length);
}

bool PinnedMapping::Revoke(bool readable) {
  if (start_ == nullptr) return true;
  if (!readable) {
    // Needs no new mapping, unless the kernel has merged this one with a neighbour.
    if (Refused(SystemCall::kMprotect) != 0) return false;
    return mprotect(start_, mapped_bytes_, PROT_NONE) == 0;
  }
  if (Refused(SystemCall::kMmap) != 0) return false;
  constexpr int kZeros = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  return mmap(start_, mapped_bytes_, PROT_READ | PROT_WRITE, kZeros, -1, 0) != MAP_FAILED;
}

void PinnedMapping::Close() {
  if (start_ != nullptr) munmap(start_, mapped_bytes_);
  start_ = data_ = nullptr;
  mapped_bytes_ = 0;
}

}  // namespace faultline
