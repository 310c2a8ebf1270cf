#include "os/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/invariant.h"
#include "os/lock.h"

namespace faultline {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "a futex word is a plain 32-bit integer");

void FutexWait(std::atomic<uint32_t>* word, uint32_t expected, uint64_t limit_ns) {
  FAULTLINE_CHECK(Lock::HeldByThisThread() == 0, "(H) a thread that waits holds no lock", Lock::HeldByThisThread());
  timespec limit;
  limit.tv_sec = static_cast<time_t>(limit_ns / 1'000'000'000ull);
  limit.tv_nsec = static_cast<long>(limit_ns % 1'000'000'000ull);
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &limit, nullptr, 0);
}

void FutexWakeAll(std::atomic<uint32_t>* word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace faultline
