// Run: one native mutator from its attachment to its end: build, warm up, work, verify.
//
//   mutator   build, warm up ─ arrive ┄┄┄┄┄ work ─ arrive ┄┄┄┄┄ verify ─ detach
//   main                                measure             verify
//                                                  └ looks, where there are any
//
// bench/invocation/mutator-thread.ts does the same for mutators in JavaScript.  All waiting is done parked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/native_mutator.h"
#include "bench/parameters.h"

namespace faultline::bench {

// Words that the main thread and the mutators share; CONTROL in bench/invocation/messages.ts.
namespace shared {
inline constexpr uint32_t kPhase = 0;
inline constexpr uint32_t kArrived = 1;
inline constexpr uint32_t kStop = 2;

// Phases.
inline constexpr int32_t kMeasure = 1;
inline constexpr int32_t kVerify = 3;
}  // namespace shared

// What a mutator tells while it works; GAUGE in bench/invocation/messages.ts.
namespace gauge {
inline constexpr uint32_t kOperations = 0;
inline constexpr uint32_t kLiveBytes = 1;
inline constexpr uint32_t kBeginNs = 3;
inline constexpr uint32_t kEndNs = 4;
inline constexpr uint32_t kCpuNs = 5;
}  // namespace gauge

struct RunOptions {
  std::string workload;
  Parameters parameters;
  uint32_t seed = 0;
  uint32_t warm_up = 0;
  uint32_t operations = 0;
  double interval_ns = 0;   // Between the starts of two requests; 0: closed loop.
  uint32_t corrupt_at = 0;  // The step after which live values are spoilt; 0: none.
  int32_t* control = nullptr;
  double* gauges = nullptr;      // Of this mutator.
  double looks_interval_ns = 0;  // Between the starts of two looks; 0: the mutator waits parked instead.
  double* looks = nullptr;       // Pairs like those of `requests`, of the first `most_looks`; the rest stays 0.
  uint32_t most_looks = 0;
  // Moments at which each piece of the warm-up begins and the last one ends, then the same of the measured part; a piece is so many steps.
  double* pieces = nullptr;
  uint32_t piece_steps = 1;
  bool counts = false;         // Takes the census of the measured part.
  double* requests = nullptr;  // Pairs of start and end in ns of the monotonic clock, `operations` of them; or null.
};

struct RunResult {
  bool known = true;  // The workload exists.
  bool out_of_memory = false;
  uint64_t checks = 0;
  uint64_t mismatches = 0;
  uint32_t checksum = 0;
  std::unique_ptr<Census> census;  // Of the measured part, where it is taken.
  std::vector<Timeline::Interval> interruptions;
};

RunResult Run(std::shared_ptr<HeapInstance> instance, const RunOptions& options);

}  // namespace faultline::bench
