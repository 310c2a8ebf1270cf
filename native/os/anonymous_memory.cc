#include "os/anonymous_memory.h"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

#include "os/invariant.h"
#include "os/refusals.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace faultline {

namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;

}  // namespace

Result<void*> MapZeroed(size_t bytes, PageSize page_size) {
  // A small one would share a huge page's range with other mappings, and get none.
  const bool huge = page_size == PageSize::kHugeIfPossible && bytes >= kHugePageBytes;
  const size_t slack = huge ? kHugePageBytes : 0;
  void* const mapped = mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return SysError{errno, "mmap"};
  if (!huge) return mapped;
  uint8_t* const begin = static_cast<uint8_t*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(begin) & (kHugePageBytes - 1);
  if (before > 0) munmap(begin, before);
  if (slack - before > 0) munmap(begin + before + bytes, slack - before);
  madvise(begin + before, bytes, MADV_HUGEPAGE);
  return static_cast<void*>(begin + before);
}

Status ProvidePages(void* memory, size_t bytes) {
  const int refused = Refused(SystemCall::kPopulate);
  if (refused == 0 && madvise(memory, bytes, MADV_POPULATE_WRITE) == 0) return {};
  const int error = refused != 0 ? refused : errno;
  if (error == EINVAL) return {};
  return SysError{error, "madvise(POPULATE_WRITE)"};
}

void GiveBackPages(void* memory, size_t bytes) { (void)madvise(memory, bytes, MADV_DONTNEED); }

void DropPages(void* memory, size_t bytes) {
  if (madvise(memory, bytes, MADV_DONTNEED) != 0) std::memset(memory, 0, bytes);
}

Result<void*> MapInaccessible(size_t bytes) {
  void* const mapped = mmap(nullptr, bytes, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return SysError{errno, "mmap"};
  return mapped;
}

void MakeAccessible(void* memory, size_t bytes) {
  const int answer = mprotect(memory, bytes, PROT_READ | PROT_WRITE);
  FAULTLINE_CHECK(answer == 0, "a mapping of ours as a whole can be made accessible", static_cast<uint64_t>(errno));
}

void Unmap(void* memory, size_t bytes) { munmap(memory, bytes); }

}  // namespace faultline
