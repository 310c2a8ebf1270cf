// Memory objects: memory with a name that several mappings may show: an anonymous file (memfd), or a System V segment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

// A new anonymous file, close-on-exec, whose size is sealed: a truncation raises no userfaultfd event.  `huge_shift` is the binary
// logarithm of the size of its huge pages, 0 for ordinary ones.
Result<int> CreateMemfd(const char* name, size_t bytes, uint32_t huge_shift);

// Gives the pages of a range of a file back to the system; they read as zero afterwards.  No userfaultfd event is raised.
Status PunchHole(int fd, size_t offset, size_t bytes);

// A System V segment, which only its user may access: a new one, or that of a key, which is made if there is none.
Result<int> OpenSegment(int key, size_t bytes, uint32_t huge_shift);
// It goes away with its last mapping.
Status RemoveSegment(int segment);

}  // namespace faultline
