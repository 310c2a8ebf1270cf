#include "os/mapping_reserve.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "os/lock.h"
#include "os/page_size.h"

namespace faultline {

namespace {

// Every other page is readable, so that each page is a mapping of its own.
constexpr size_t kPages = 64;
constexpr size_t kBytes = kPages * kPageSize;

struct Reserve {
  Lock lock;
  uint8_t* start = nullptr;  // Null while it is not held.
};

Reserve& TheReserve() {
  static Reserve* reserve = new Reserve;  // Never destroyed: threads may outlive static destructors.
  return *reserve;
}

}  // namespace

bool MappingReserve::Hold() {
  Reserve& reserve = TheReserve();
  const LockGuard guard(reserve.lock);
  if (reserve.start != nullptr) return true;
  void* const mapped = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  uint8_t* const start = static_cast<uint8_t*>(mapped);
  for (size_t at = kPageSize; at < kBytes; at += 2 * kPageSize) {
    if (mprotect(start + at, kPageSize, PROT_READ) == 0) continue;
    munmap(start, kBytes);
    return false;
  }
  reserve.start = start;
  return true;
}

void MappingReserve::GiveBack() {
  Reserve& reserve = TheReserve();
  const LockGuard guard(reserve.lock);
  if (reserve.start != nullptr) munmap(reserve.start, kBytes);
  reserve.start = nullptr;
}

}  // namespace faultline
