#include "os/process_calls.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "os/refusals.h"

// The same numbers on all architectures of ours.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

namespace faultline {

Result<int> OpenProcess(int process) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  if (fd < 0) return SysError{errno, "pidfd_open"};
  return fd;
}

Result<size_t> AdviseProcess(int process_fd, const AddressRange* ranges, size_t count, int advice, uint32_t flags) {
  const long done = syscall(SYS_process_madvise, process_fd, ranges, count, advice, flags);
  if (done < 0) return SysError{errno, "process_madvise"};
  return static_cast<size_t>(done);
}

Result<size_t> ScanPages(int pagemap, abi::PagemapScan* scan) {
  if (const int refused = Refused(SystemCall::kPagemapScan)) return SysError{refused, "ioctl(PAGEMAP_SCAN)"};
  const int found = ioctl(pagemap, abi::kIocPagemapScan, scan);
  if (found < 0) return SysError{errno, "ioctl(PAGEMAP_SCAN)"};
  return static_cast<size_t>(found);
}

}  // namespace faultline
