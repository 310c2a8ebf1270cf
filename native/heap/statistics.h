// Statistics: counters and histograms of one heap.  Writers add with relaxed order from any thread, fault handlers included; the figures
// that a reader gets may be from slightly different moments.
#pragma once

#include <atomic>
#include <cstdint>

#include "heap/histogram.h"
#include "os/clock.h"

namespace faultline {

using Counter = std::atomic<uint64_t>;

inline void Add(Counter& counter, uint64_t amount) { counter.fetch_add(amount, std::memory_order_relaxed); }
inline uint64_t Read(const Counter& counter) { return counter.load(std::memory_order_relaxed); }

struct Statistics {
  // Cycles.
  Counter cycles{0};             // Marked and swept.
  Counter compacting_cycles{0};  // … and moved something.
  Counter evacuated_bytes{0};    // Source regions given up, live and dead.
  Counter copied_bytes{0};       // Live bytes that moved.
  Counter in_place_pages{0};     // Pages whose references were updated in place.
  Counter refused_flips{0};      // Flips that the kernel refused; these waves compacted inside the pause.

  // Marking.
  Counter marked_objects{0};
  Counter marking_ns{0};         // From the start of tracing to the end of the last pause.
  Counter marking_rounds{0};     // Precleaning rounds; the first trace is not one.
  Counter written_pages{0};      // Rescanned because they had been written.
  Counter logged_references{0};  // The same for the marker with a write barrier.
  Counter refused_scans{0};      // Pieces that counted as written because the kernel refused to say.

  // Weak phases.
  Counter cleared_slots{0};
  Counter cleared_ephemerons{0};
  Counter finalizable{0};  // Finalizers that became ready.

  // Collections, by index of COLLECTION_REASONS in src/gc/requests.ts.
  static constexpr uint32_t kMaxReasons = 16;
  Counter collections_by_reason[kMaxReasons] = {};

  // Pages of compactions.
  Counter pages_by_workers{0};
  Counter pages_by_mutators{0};
  Counter unchanged_pages{0};  // Shown as they were: of leaf regions that stayed.
  Counter taken_pages{0};      // Of the file, which flips took away of the mutator view …
  Counter taken_ranges{0};     // … in so many ranges.
  Counter pages_continued{0};
  Counter continue_calls{0};
  Counter pages_copied{0};  // These two only in the modes that copy; in all others they must be 0.
  Counter copy_calls{0};
  Counter settled_loads{0};  // Loads of references that took the slow path of the load barrier.

  // Pauses, in nanoseconds from the stop of the last mutator to resume.
  Histogram mark_pause;        // Everything marked with the world stopped.
  Histogram mark_start_pause;  // Roots copied: at the start, and once a round.
  Histogram remark_pause;      // The end of a concurrent marking.
  Histogram flip_pause;
  Histogram settled_pause;  // The end of a compaction, in the mode with a load barrier.
  Histogram time_to_safepoint;

  // Faults: time in the handler plus the delivery time measured for this mode.  With a load barrier: loads that had to build pages.
  Histogram fault_service;

  // Waits for a page that another thread was building.
  Histogram page_waits;

  // Mutators that had to wait for memory.
  Histogram stalls;

  Counter peak_file_bytes{0};

  // CPU time of the GC workers by number, the control thread last; and of the thread that serves faults, in modes that have one.
  static constexpr uint32_t kCollectorThreads = 64;
  ThreadCpuClock collector_cpu[kCollectorThreads];
  ThreadCpuClock fault_thread_cpu;
  uint64_t CollectorCpuNs() const {
    uint64_t sum = 0;
    for (const ThreadCpuClock& clock : collector_cpu) sum += clock.Ns();
    return sum;
  }
};

}  // namespace faultline
