#include "os/refusals.h"

#include <atomic>

namespace faultline {

const char* const kSystemCallNames[] = {
    "memfd_create", "ftruncate", "mmap",       "mremap",   "userfaultfd",  "userfaultfd-api", "register",         "continue",  "copy",
    "move",         "populate",  "punch-hole", "mprotect", "pagemap-scan", "take-out",        "unregister-piece", "getrandom",
};

namespace {

// Several threads may race for the counters; a test that needs an exact count arms them while one thread runs.  All relaxed: the values
// publish nothing else.
struct Armed {
  std::atomic<int> error_number{0};
  std::atomic<int32_t> skip{0};
  std::atomic<int32_t> refuse{0};
};

Armed armed[static_cast<uint32_t>(SystemCall::kCount)];

}  // namespace

void ArmRefusal(SystemCall call, int error_number, uint32_t skip, uint32_t refuse) {
  Armed& point = armed[static_cast<uint32_t>(call)];
  point.error_number.store(0, std::memory_order_relaxed);
  point.skip.store(static_cast<int32_t>(skip), std::memory_order_relaxed);
  point.refuse.store(static_cast<int32_t>(refuse), std::memory_order_relaxed);
  if (refuse > 0) point.error_number.store(error_number, std::memory_order_relaxed);
}

int Refused(SystemCall call) {
  Armed& point = armed[static_cast<uint32_t>(call)];
  const int error_number = point.error_number.load(std::memory_order_relaxed);
  if (error_number == 0) return 0;
  if (point.skip.fetch_sub(1, std::memory_order_relaxed) > 0) return 0;
  if (point.refuse.fetch_sub(1, std::memory_order_relaxed) > 0) return error_number;
  point.error_number.store(0, std::memory_order_relaxed);
  return 0;
}

}  // namespace faultline
