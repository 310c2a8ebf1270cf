// Mutator: one thread from its start to its end: build, warm up, work, verify.
//
// They are named mutator-N, so that the operating system's count of their CPU time is theirs alone.  They live until the result is
// written, because the CPU time of a thread that has ended can no longer be read.
#pragma once

#include <barrier>
#include <cstdint>

#include "any_heap/work.h"
#include "parameters.h"
#include "requests.h"

namespace faultline::peers {

// What the mutators share.  `began_ns` is written before the second time that they pass the barrier.
struct Measurement {
  Measurement(const Parameters& of, int mutators) : parameters(of), requests(of), barrier(mutators + 1) {}
  const Parameters& parameters;
  Requests requests;
  // Passed four times: warm; the measured part begins; it has ended; the result is written.
  std::barrier<> barrier;
  int64_t began_ns = 0;
};

struct Mutator {
  Measurement* measurement;
  uint32_t index;
  bench::Work* work;
};

// The body of a thread; its argument is a Mutator.
void* RunMutator(void* mutator);

}  // namespace faultline::peers
