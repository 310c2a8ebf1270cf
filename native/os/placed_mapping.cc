#include "os/placed_mapping.h"

#include <sys/mman.h>
#include <sys/shm.h>

#include "os/refusals.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

namespace faultline {

namespace {

constexpr int kPlain = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

int BitsOf(Protection protection) {
  constexpr int kBits[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
  return kBits[static_cast<uint32_t>(protection)];
}

Status MapAt(uint8_t* at, size_t bytes, const MappingRequest& request) {
  if (const int refused = Refused(SystemCall::kMmap)) return SysError{refused, "mmap"};
  const int protection = BitsOf(request.protection);
  const int flags = MAP_FIXED | (request.huge ? 0 : MAP_NORESERVE);
  const auto offset = static_cast<off_t>(request.offset);
  switch (request.source) {
    case MappingSource::kPrivateZeros:
      if (mmap(at, bytes, protection, kPlain, -1, 0) == MAP_FAILED) return SysError{errno, "mmap"};
      return {};
    case MappingSource::kFile:
      if (mmap(at, bytes, protection, MAP_SHARED | flags, request.object, offset) == MAP_FAILED) return SysError{errno, "mmap"};
      return {};
    case MappingSource::kPrivateFile:
      if (mmap(at, bytes, protection, MAP_PRIVATE | flags, request.object, offset) == MAP_FAILED) return SysError{errno, "mmap"};
      return {};
    case MappingSource::kSegment:
      // NOLINTNEXTLINE(performance-no-int-to-ptr): what shmat returns if it fails
      if (shmat(request.object, at, SHM_REMAP) == reinterpret_cast<void*>(-1)) return SysError{errno, "shmat"};
      if (request.protection != Protection::kReadWrite && mprotect(at, bytes, protection) != 0) return SysError{errno, "mprotect"};
      return {};
    case MappingSource::kSameAs:
      // Nothing is taken from a shared mapping whose size is given as 0: both show its memory from then on.
      if (mremap(reinterpret_cast<void*>(request.same), 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED) {
        return SysError{errno, "mremap"};
      }
      return {};
  }
  return SysError{EINVAL, "mmap"};
}

// Huge pages would make one touch publish 512 pages.
Status SetManners(uint8_t* at, size_t bytes, const MappingRequest& request) {
  if (!request.huge && madvise(at, bytes, MADV_NOHUGEPAGE) != 0 && errno != EINVAL) return SysError{errno, "madvise(NOHUGEPAGE)"};
  if (!request.inherited && madvise(at, bytes, MADV_DONTFORK) != 0) return SysError{errno, "madvise(DONTFORK)"};
  // A dump would read the whole file and fill its holes.
  if (madvise(at, bytes, MADV_DONTDUMP) != 0) return SysError{errno, "madvise(DONTDUMP)"};
  return {};
}

}  // namespace

Status PlacedMapping::Place(uint8_t* at, size_t bytes, const MappingRequest& request) {
  start_ = at;
  bytes_ = bytes;
  Status status = MapAt(at, bytes, request);
  if (status.ok()) status = SetManners(at, bytes, request);
  // A refused call may have unmapped what was there before.
  if (!status.ok() && Restore().ok()) start_ = nullptr;
  return status;
}

Status PlacedMapping::Restore() {
  if (start_ == nullptr) return {};
  if (mmap(start_, bytes_, PROT_READ | PROT_WRITE, kPlain, -1, 0) == MAP_FAILED) return SysError{errno, "mmap"};
  start_ = nullptr;
  return {};
}

Status PlacedMapping::TakeFrom(const PlacedMapping& other) {
  constexpr int kMove = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  if (mremap(other.start_, bytes_, bytes_, kMove, start_) == MAP_FAILED) return SysError{errno, "mremap"};
  return {};
}

Status PlacedMapping::Advise(size_t offset, size_t bytes, int advice) const {
  if (madvise(start_ + offset, bytes, advice) != 0) return SysError{errno, "madvise"};
  return {};
}

Status PlacedMapping::Protect(size_t offset, size_t bytes, Protection protection) const {
  if (mprotect(start_ + offset, bytes, BitsOf(protection)) != 0) return SysError{errno, "mprotect"};
  return {};
}

}  // namespace faultline
