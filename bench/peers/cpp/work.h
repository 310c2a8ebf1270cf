// Work: what one mutator does in a workload, step by step: the same random numbers, the same checks, the same final checksum for the
// same seed as in bench/workloads/.
#pragma once

#include <cstdint>

#include "memory.h"
#include "parameters.h"
#include "random.h"

namespace faultline::peers {

class Work {
 public:
  virtual ~Work() = default;
  // A work holds the mutator's roots, so the collector has to see it.
  static void* operator new(size_t bytes) { return AllocateRoots(bytes); }
  static void operator delete(void* memory) { FreeRoots(memory); }

  // Makes what lives long.
  virtual void Build() = 0;
  // One operation.
  virtual void Step(uint32_t index) = 0;
  // Checks everything that is alive, and adds it to the checksum.
  virtual void Verify() = 0;
  // Spoils one live value that a later check must find.
  virtual void Corrupt() = 0;
  // What the workload itself counts as alive; 0 where it does not.
  virtual uint64_t LiveBytes() const { return 0; }

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

// Each on the thread that will do the work.
Work* MakeGcbench(const Parameters& parameters);
Work* MakeBinaryTrees(const Parameters& parameters);
Work* MakeLru(const Parameters& parameters, uint32_t seed);
Work* MakeFragmentation(const Parameters& parameters, uint32_t seed);
Work* MakeAllocationRate(const Parameters& parameters, uint32_t seed);

}  // namespace faultline::peers
