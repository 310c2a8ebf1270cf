// Work: what one mutator does in a workload, step by step.
//
// The headers of this folder have the workloads that run on any heap: on Faultline's (native/bench), on bdwgc's and on malloc's
// (bench/peers/cpp).  How objects are made, read and changed is a class that each workload is compiled with.  Nothing here includes a
// header from outside of the folder but those of the standard library.  bench/workloads/ has the same in TypeScript: the same random
// numbers, the same checks, the same final checksum for the same seed.
#pragma once

#include <cstdint>

#include "random.h"

namespace faultline::bench {

class Work {
 public:
  virtual ~Work() = default;

  // Makes what lives long.
  virtual void Build() = 0;
  // One operation.  No raw reference outlives it: the caller polls between steps.
  virtual void Step(uint32_t index) = 0;
  // A request that only reads, and counts mismatches but no checks: how many there are depends on the clock.
  virtual void Look() {}
  // Checks everything that is alive, and adds it to the checksum.
  virtual void Verify() = 0;
  // Spoils live values, in such a way that a later check must find one and nothing else goes wrong.
  virtual void Corrupt() = 0;
  // What the workload itself counts as alive, where it does.
  virtual double LiveBytes() const { return 0; }

  uint64_t checks = 0;
  uint64_t mismatches = 0;
  uint32_t checksum = 0;

 protected:
  void Check(bool right) {
    ++checks;
    if (!right) ++mismatches;
  }
  void Add(uint32_t value) { checksum = Mixed(checksum ^ value); }
};

}  // namespace faultline::bench
