// Cycle: the phase a cycle is in, and its figures.
#pragma once

#include <cstdint>

#include "gc/weak_phase.h"
#include "os/result.h"

namespace faultline {

enum class Phase : uint8_t { kIdle, kMarking, kMarked, kPlanned, kCompacting, kFinishing };
constexpr const char* NameOf(Phase phase) {
  switch (phase) {
    case Phase::kIdle:
      return "idle";
    case Phase::kMarking:
      return "marking";
    case Phase::kMarked:
      return "marked";
    case Phase::kPlanned:
      return "planned";
    case Phase::kCompacting:
      return "compacting";
    case Phase::kFinishing:
      return "finishing";
  }
  return "?";
}

// Figures of the running or last cycle, for events.
struct CycleReport {
  uint64_t number = 0;
  uint64_t marked_objects = 0;
  uint64_t live_bytes = 0;
  uint64_t mark_start_pause_ns = 0;  // The last of them.
  uint64_t mark_start_safepoint_ns = 0;
  uint64_t mark_pause_ns = 0;
  uint64_t mark_safepoint_ns = 0;
  uint64_t marking_ns = 0;        // From the first object looked at to the end of the last pause.
  uint32_t marking_rounds = 0;    // Precleaning rounds.
  uint64_t written_pages = 0;     // Looked at again in rounds, because they were written …
  uint64_t remark_pages = 0;      // … and in the last pause.
  WeakReport weak;
  uint64_t flip_pause_ns = 0;
  uint64_t flip_safepoint_ns = 0;
  uint64_t flip_kernel_ns = 0;  // Emptying and arming the view.
  uint64_t flip_roots_ns = 0;   // Rewriting the roots.
  uint64_t roots = 0;
  uint32_t swept_regions = 0;
  uint32_t sources = 0;
  uint32_t targets = 0;
  uint64_t copied_bytes = 0;
  uint64_t pages_by_workers = 0;
  uint64_t pages_by_mutators = 0;
  uint64_t compaction_ns = 0;
  bool flip_refused = false;
  SysError flip_error;
};

}  // namespace faultline
