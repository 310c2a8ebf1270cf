#include "os/fault_ranges.h"

#include <atomic>

#include "os/delays.h"
#include "os/lock.h"

namespace faultline {

namespace {

struct Range {
  std::atomic<uint32_t> changes{0};
  // 0 if the slot is free.
  std::atomic<uintptr_t> start{0};
  std::atomic<size_t> bytes{0};
  std::atomic<FaultFunction> serve{nullptr};
  std::atomic<void*> context{nullptr};
};

Range ranges[kMaxFaultRanges];
std::atomic<int> range_limit{0};  // Highest slot ever used + 1; grows only.  Release/acquire with the handler.

Lock& WriterLock() {
  static Lock* lock = new Lock;  // Never destroyed: threads may outlive static destructors.
  return *lock;
}

// The caller holds the lock.
void Change(Range& range, uintptr_t start, size_t bytes, FaultFunction serve, void* context) {
  const uint32_t changes = range.changes.load(std::memory_order_relaxed);
  range.changes.store(changes + 1, std::memory_order_relaxed);
  range.start.store(start, std::memory_order_release);
  range.bytes.store(bytes, std::memory_order_release);
  range.serve.store(serve, std::memory_order_release);
  range.context.store(context, std::memory_order_release);
  range.changes.store(changes + 2, std::memory_order_release);
}

}  // namespace

int AddFaultRange(void* start, size_t bytes, FaultFunction serve, void* context) {
  const LockGuard guard(WriterLock());
  for (int i = 0; i < kMaxFaultRanges; ++i) {
    if (ranges[i].start.load(std::memory_order_relaxed) != 0) continue;
    Change(ranges[i], reinterpret_cast<uintptr_t>(start), bytes, serve, context);
    if (i >= range_limit.load(std::memory_order_relaxed)) range_limit.store(i + 1, std::memory_order_release);
    return i;
  }
  return -1;
}

void RemoveFaultRange(int slot) {
  const LockGuard guard(WriterLock());
  Change(ranges[slot], 0, 0, nullptr, nullptr);
}

bool ServeInRange(uintptr_t address) {
  const int limit = range_limit.load(std::memory_order_acquire);
  for (int i = 0; i < limit; ++i) {
    const Range& range = ranges[i];
    const uint32_t changes = range.changes.load(std::memory_order_acquire);
    const uintptr_t start = range.start.load(std::memory_order_acquire);
    if (start == 0 || address < start) continue;
    DelayAt(DelayPoint::kRangeFound);
    if (address - start >= range.bytes.load(std::memory_order_acquire)) continue;
    const FaultFunction serve = range.serve.load(std::memory_order_acquire);
    void* const context = range.context.load(std::memory_order_acquire);
    if (changes % 2 != 0 || range.changes.load(std::memory_order_relaxed) != changes) continue;
    return serve(context, address);
  }
  return false;
}

}  // namespace faultline
