#include "os/page_presence.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/page_size.h"
#include "os/userfaultfd_abi.h"

namespace faultline {

namespace {

constexpr size_t kRuns = 64;

}  // namespace

Result<uint64_t> PresentPages(const uint8_t* start, size_t bytes) {
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) return SysError{errno, "open(/proc/self/pagemap)"};
  abi::PageRegion found[kRuns];
  abi::PagemapScan scan = {};
  scan.size = sizeof scan;
  scan.start = reinterpret_cast<uintptr_t>(start);
  scan.end = scan.start + bytes;
  scan.vec = reinterpret_cast<uintptr_t>(found);
  scan.vec_len = kRuns;
  scan.category_mask = scan.return_mask = abi::kPageIsPresent;
  uint64_t pages = 0;
  while (scan.start < scan.end) {
    const int count = ioctl(pagemap, abi::kIocPagemapScan, &scan);
    if (count < 0) {
      const SysError error{errno, "ioctl(PAGEMAP_SCAN)"};
      close(pagemap);
      return error;
    }
    for (int i = 0; i < count; ++i) pages += (found[i].end - found[i].start) / kPageSize;
    scan.start = scan.walk_end;
  }
  close(pagemap);
  return pages;
}

}  // namespace faultline
