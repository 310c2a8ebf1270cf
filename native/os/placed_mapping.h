// Placed mapping: other memory in the place of pages that belong to somebody else (a SharedArrayBuffer), who gets plain pages back.
//
//     the owner's memory   … │ plain pages │ …      before, and after Restore
//                          … │  the file   │ …      between Place and Restore
//
// The owner must keep its memory until Restore has succeeded: its allocator may give the addresses to others.  A child of fork does not
// have the mapping, unless that is requested, and neither has a core dump.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

// What to map.  In the order of SOURCES in src/pages/mapping.ts.
enum class MappingSource : uint32_t {
  kPrivateZeros,  // Private anonymous memory.
  kFile,          // A file: a memfd, a file of tmpfs or hugetlbfs; or /dev/zero, each mapping of which is memory of its own.
  kPrivateFile,   // The same, copied when it is written.
  kSegment,       // A System V segment.
  kSameAs,        // The memory of another mapping, which must be shared (for /dev/zero, which has no name for it).
};

enum class Protection : uint32_t { kNone, kRead, kReadWrite };

struct MappingRequest {
  MappingSource source = MappingSource::kPrivateZeros;
  int object = -1;     // Of kFile and kSegment.
  size_t offset = 0;   // Of kFile.
  uintptr_t same = 0;  // Of kSameAs.
  Protection protection = Protection::kReadWrite;
  bool inherited = false;  // By the children of fork.
  bool huge = false;       // Pages of hugetlbfs, for which the kernel keeps some back.
};

class PlacedMapping {
 public:
  PlacedMapping() = default;
  PlacedMapping(const PlacedMapping&) = delete;
  PlacedMapping& operator=(const PlacedMapping&) = delete;

  // Whole pages.  If it is refused, plain pages are there again.
  Status Place(uint8_t* at, size_t bytes, const MappingRequest& request);
  // Plain zeroed pages are there from here on.  ENOMEM at the limit of mappings: the mapping stays.
  Status Restore();

  // Moves the page table entries of `other`, of the same size, to here (mremap); `other` stays mapped, without any.
  Status TakeFrom(const PlacedMapping& other);

  Status Advise(size_t offset, size_t bytes, int advice) const;
  Status Protect(size_t offset, size_t bytes, Protection protection) const;

  uint8_t* start() const { return start_; }
  size_t bytes() const { return bytes_; }

 private:
  uint8_t* start_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace faultline
