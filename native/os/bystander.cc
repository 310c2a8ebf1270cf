#include "os/bystander.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace faultline {

namespace {

constexpr long kCallsWithoutReference[] = {SYS_mlockall, SYS_mlock, SYS_mlock2, SYS_madvise, SYS_process_vm_readv, SYS_process_vm_writev};

// -1 if the thread is in no system call, or the system does not say.
long SystemCallOf(uint32_t thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%u/syscall", thread);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[32] = {};  // The number comes first.
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  return got > 0 && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) ? strtol(text, nullptr, 10) : -1;
}

}  // namespace

bool IsBystander(uint32_t thread) {
  if (syscall(SYS_tgkill, getpid(), thread, 0) != 0 && errno == ESRCH) return true;
  const long number = SystemCallOf(thread);
  return std::find(std::begin(kCallsWithoutReference), std::end(kCallsWithoutReference), number) != std::end(kCallsWithoutReference);
}

}  // namespace faultline
