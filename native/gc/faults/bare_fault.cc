#include "gc/faults/bare_fault.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "os/clock.h"
#include "os/fault_ranges.h"
#include "os/fault_signals.h"
#include "os/memory_file.h"
#include "os/userfaultfd.h"
#include "os/views.h"

namespace faultline {

namespace {

constexpr uint32_t kMaxCount = 4096;

// Everything the handlers need, without a heap or a collector.
struct Bench {
  MemoryFile file;
  Views views;
  Userfaultfd descriptor;
  FaultModeKind kind = FaultModeKind::kSigbus;
  std::atomic<uint64_t> handler_ns{0};
  std::atomic<bool> thread_ended{true};
  // Written and read by the touching thread: only its own handler calls mprotect.
  volatile bool refused = false;
  size_t bytes = 0;
  alignas(kPageBytes) uint8_t contents[kPageBytes] = {};  // Copied to every page, in the modes that copy.

  bool Serve(uintptr_t address) {
    const uint64_t begin = NowNs();
    const size_t offset = (address - reinterpret_cast<uintptr_t>(views.mutator_view())) & ~(kPageBytes - 1);
    if (TraitsOf(kind).copies) {
      descriptor.Copy(views.mutator_view() + offset, kPageBytes, contents, views.alias() + offset);
    } else if (kind == FaultModeKind::kSigsegv) {
      // Protecting one page splits a mapping, which the kernel may refuse; opening the whole view splits none and must succeed (U).
      if (!views.ProtectMutatorView(offset, kPageBytes, true).ok()) {
        refused = true;
        return views.OpenMutatorView().ok();
      }
    } else {
      descriptor.Continue(views.mutator_view() + offset, kPageBytes, views.alias() + offset);
    }
    handler_ns.store(NowNs() - begin, std::memory_order_release);  // Partner: the touching thread's load.
    return true;
  }
};

bool ServeInHandler(void* bench, uintptr_t address) { return static_cast<Bench*>(bench)->Serve(address); }

// Serves until the last page of the view is touched.
void* ServeThread(void* argument) {
  Bench* const bench = static_cast<Bench*>(argument);
  const uintptr_t last = reinterpret_cast<uintptr_t>(bench->views.mutator_view()) + bench->bytes - kPageBytes;
  for (bool ending = false; !ending;) {
    FaultMessage messages[4];
    const size_t count = bench->descriptor.ReadMessages(messages, 4);
    for (size_t i = 0; i < count; ++i) {
      bench->Serve(messages[i].address);
      if (messages[i].address >= last) ending = true;
    }
  }
  bench->thread_ended.store(true, std::memory_order_release);
  return nullptr;
}

Status Prepare(Bench& bench, int* range) {
  const FaultModeKind kind = bench.kind;
  const bool by_thread = TraitsOf(kind).held_by == HeldBy::kThread;
  if (Status status = bench.file.Create(bench.bytes); !status.ok()) return status;
  if (Status status = bench.views.Create(bench.file, nullptr); !status.ok()) return status;
  if (!TraitsOf(kind).copies) {
    if (Status status = bench.views.PopulateAlias(0, bench.bytes); !status.ok()) return status;
  }
  if (kind == FaultModeKind::kSigsegv) {
    if (Status status = bench.views.ProtectMutatorView(0, bench.views.span_bytes(), false); !status.ok()) return status;
  } else {
    const FaultDelivery delivery = by_thread ? FaultDelivery::kDescriptor : FaultDelivery::kSignal;
    if (Status status = bench.descriptor.Open(delivery); !status.ok()) return status;
    if (Status status = bench.descriptor.Register(bench.views.mutator_view(), bench.views.span_bytes()); !status.ok()) {
      return status;
    }
  }
  if (by_thread) {
    bench.thread_ended.store(false, std::memory_order_relaxed);
    pthread_t thread;
    const int error = pthread_create(&thread, nullptr, ServeThread, &bench);
    if (error != 0) {
      bench.thread_ended.store(true, std::memory_order_relaxed);
      return SysError{error, "pthread_create"};
    }
    pthread_detach(thread);
    return {};
  }
  const FaultSignal signal = kind == FaultModeKind::kSigsegv ? FaultSignal::kSegmentation : FaultSignal::kBus;
  if (Status status = EnsureFaultHandler(signal); !status.ok()) return status;
  *range = AddFaultRange(bench.views.mutator_view(), bench.views.span_bytes(), ServeInHandler, &bench);
  if (*range < 0) return SysError{EMFILE, "table of fault ranges"};
  return {};
}

uint64_t QuantileOf(std::vector<uint64_t>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

Result<BareFault> MeasureBareFault(FaultModeKind kind, uint32_t count) {
  if (TraitsOf(kind).held_by == HeldBy::kNothing) return BareFault{};
  Bench bench;
  bench.kind = kind;
  count = std::min(std::max(count, 1u), kMaxCount);
  bench.bytes = (size_t{count} + 1) * kPageBytes;
  int range = -1;
  const Status status = Prepare(bench, &range);
  std::vector<uint64_t> round_trips;
  std::vector<uint64_t> deliveries;
  if (status.ok()) {
    for (uint32_t page = 0; page < count; ++page) {
      volatile uint8_t* const touched = bench.views.mutator_view() + size_t{page} * kPageBytes;
      const uint64_t begin = NowNs();
      *touched = 1;
      const uint64_t round_trip = NowNs() - begin;
      const uint64_t inside = bench.handler_ns.load(std::memory_order_acquire);
      round_trips.push_back(round_trip);
      deliveries.push_back(round_trip > inside ? round_trip - inside : 0);
    }
    // The last page ends the serving thread, if there is one.
    *const_cast<volatile uint8_t*>(bench.views.mutator_view() + bench.bytes - kPageBytes) = 1;
  }
  while (!bench.thread_ended.load(std::memory_order_acquire)) sched_yield();
  if (range >= 0) RemoveFaultRange(range);
  if (!status.ok()) return status.error();
  if (bench.refused) return SysError{ENOMEM, "mprotect"};
  std::sort(round_trips.begin(), round_trips.end());
  std::sort(deliveries.begin(), deliveries.end());
  BareFault result;
  result.round_trip_p50_ns = QuantileOf(round_trips, 0.5);
  result.round_trip_p99_ns = QuantileOf(round_trips, 0.99);
  result.delivery_p50_ns = QuantileOf(deliveries, 0.5);
  return result;
}

}  // namespace faultline
