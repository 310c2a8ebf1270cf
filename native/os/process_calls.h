// Process calls: what one process may ask about the memory of another, or of itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"
#include "os/userfaultfd_abi.h"

namespace faultline {

// A descriptor of a process, close-on-exec, which becomes readable when the process ends (Linux 5.3).
Result<int> OpenProcess(int process);

// A range of the address space of a process.
struct AddressRange {
  uint64_t start = 0;
  uint64_t bytes = 0;
};
static_assert(sizeof(AddressRange) == 16, "the kernel's struct iovec");

// madvise(2) for ranges of a process (Linux 5.10).  Ends with the first range that is refused, and returns the bytes before it.
Result<size_t> AdviseProcess(int process_fd, const AddressRange* ranges, size_t count, int advice, uint32_t flags);

// PAGEMAP_SCAN on an open /proc/PID/pagemap (Linux 6.7): the number of regions that were stored.  `scan.walk_end` is where to go on.
Result<size_t> ScanPages(int pagemap, abi::PagemapScan* scan);

}  // namespace faultline
