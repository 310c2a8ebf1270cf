// Cycle: the phases as one table, and the figures of a cycle.  Read this first, then collector.h, which tells the steps.
//
//     idle ──prepare──▶ marking ──mark, remark──▶ marked ──plan──▶ planned ──flip──▶ compacting ──compact──▶ finishing ──finish──▶ idle
//                                                  ▲ └──────── nothing is worth moving ─────────────────────▲ │
//                                                  └──────── another wave ────────────────────────────────────┘
//
// A phase is a state of the heap; a step is what the collector does.  kSteps lists every step in the order of a cycle, and every legal
// change of phase: Collector::Enter refuses any other, and any that comes with the world running where it has to be stopped.  The addon
// exports the table; events and `heap.phase` use its names, docs/concurrency.md shows its rows.
#pragma once

#include <cstdint>

#include "gc/marking/weak_phase.h"
#include "os/result.h"

namespace faultline {

enum class Phase : uint8_t { kIdle, kMarking, kMarked, kPlanned, kCompacting, kFinishing };
inline constexpr const char* kPhaseNames[] = {"idle", "marking", "marked", "planned", "compacting", "finishing"};
constexpr const char* NameOf(Phase phase) { return kPhaseNames[static_cast<uint8_t>(phase)]; }

enum class CycleStep : uint8_t {
  kPrepare,
  kMark,
  kPreclean,
  kRemark,
  kWeak,
  kPlan,
  kRelease,
  kFlip,
  kCompact,
  kFinish,
  kReclaim,
  kRecover
};
inline constexpr const char* kStepNames[] = {"prepare", "mark", "preclean", "remark", "weak",    "plan",
                                             "release", "flip", "compact",  "finish", "reclaim", "recover"};
constexpr const char* NameOf(CycleStep step) { return kStepNames[static_cast<uint8_t>(step)]; }

struct StepOfCycle {
  CycleStep step;
  Phase from;
  Phase to;
  bool stopped;      // Whether the world is stopped when the phase changes, or when the step ends if the phase does not change.
  const char* laws;  // Letters of the invariants that hold from here on (docs/concurrency.md).
  const char* what;
};

inline constexpr StepOfCycle kSteps[] = {
    {CycleStep::kPrepare, Phase::kIdle, Phase::kMarking, false, "", "bitmaps are clear, writes are tracked"},
    {CycleStep::kMark, Phase::kMarking, Phase::kMarked, true, "B D G M W", "marker stopped: all in one pause"},
    {CycleStep::kMark, Phase::kMarking, Phase::kMarking, false, "", "a pause for the roots, then tracing from them"},
    {CycleStep::kPreclean, Phase::kMarking, Phase::kMarking, false, "", "the same for objects written meanwhile, in rounds"},
    {CycleStep::kRemark, Phase::kMarking, Phase::kMarked, true, "B D G M W", "liveness is frozen; what is allocated from here on is alive"},
    {CycleStep::kWeak, Phase::kMarked, Phase::kMarked, false, "",
     "weak slots of dead objects are cleared, finalizable objects resurrected"},
    {CycleStep::kPlan, Phase::kMarked, Phase::kPlanned, false, "P T", "regions of the dead are free, the address function is frozen"},
    {CycleStep::kPlan, Phase::kMarked, Phase::kFinishing, false, "", "nothing is worth moving"},
    {CycleStep::kRelease, Phase::kPlanned, Phase::kPlanned, false, "", "writes are no longer tracked"},
    {CycleStep::kFlip, Phase::kPlanned, Phase::kCompacting, true, "C D K O S U Y",
     "what is taken away of the view is armed, then the roots are new"},
    {CycleStep::kFlip, Phase::kCompacting, Phase::kFinishing, true, "F", "every page was built in the pause (stw, or a refused flip)"},
    {CycleStep::kCompact, Phase::kCompacting, Phase::kFinishing, false, "F",
     "every page is claimed, sources are freed after their last reader"},
    {CycleStep::kFinish, Phase::kFinishing, Phase::kIdle, false, "", "no thread builds any more, the view is ordinary memory"},
    {CycleStep::kFinish, Phase::kFinishing, Phase::kMarked, false, "", "the same, and another wave is planned by the same marks"},
    {CycleStep::kReclaim, Phase::kIdle, Phase::kIdle, false, "", "surplus pages are given back to the system"},
    // The control thread has ended in the middle of a cycle.
    {CycleStep::kRecover, Phase::kMarking, Phase::kFinishing, false, "", "marking is abandoned"},
    {CycleStep::kRecover, Phase::kMarked, Phase::kFinishing, false, "", "nothing is moved"},
    {CycleStep::kRecover, Phase::kPlanned, Phase::kFinishing, false, "", "the plan is cancelled"},
};

constexpr bool MayEnter(CycleStep step, Phase from, Phase to, bool stopped) {
  for (const StepOfCycle& row : kSteps) {
    if (row.step == step && row.from == from && row.to == to && row.stopped == stopped) return true;
  }
  return false;
}

// Figures of the running or last cycle, for events.
struct CycleReport {
  uint64_t number = 0;
  uint64_t marked_objects = 0;
  uint64_t live_bytes = 0;
  uint64_t mark_start_pause_ns = 0;  // The last such pause.
  uint64_t mark_start_safepoint_ns = 0;
  uint64_t mark_pause_ns = 0;
  uint64_t mark_safepoint_ns = 0;
  uint64_t marking_ns = 0;      // From the first object looked at to the end of the last pause.
  uint32_t marking_rounds = 0;  // Precleaning rounds.
  uint64_t written_pages = 0;   // Rescanned in rounds because they were written …
  uint64_t remark_pages = 0;    // … and in the last pause.
  WeakReport weak;
  uint32_t waves = 0;
  uint64_t all_flip_pauses_ns = 0;
  uint64_t longest_flip_pause_ns = 0;
  uint64_t flip_pause_ns = 0;  // These six are of the last wave, what follows them is of all.
  uint64_t flip_safepoint_ns = 0;
  uint64_t flip_kernel_ns = 0;  // Emptying and arming the view.
  uint64_t flip_roots_ns = 0;   // Rewriting the roots.
  uint64_t roots = 0;
  uint64_t roots_forwarded_before = 0;  // Of them, those of which it was known before the pause what they would hold (D).
  uint32_t swept_regions = 0;
  uint32_t sources = 0;
  uint32_t targets = 0;
  uint64_t copied_bytes = 0;
  uint64_t pages_by_workers = 0;
  uint64_t pages_by_mutators = 0;
  uint64_t compaction_ns = 0;
  bool flip_refused = false;  // In one of the waves.
  SysError flip_error;
};

}  // namespace faultline
