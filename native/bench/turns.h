// Turns: a native mutator that works when it is told to, a slice of operations at a time, on a thread that has other things to do between
// the slices.  So several heaps can take turns in one process, on one thread.  It is parked between its turns.
#pragma once

#include <memory>
#include <string>

#include "bench/workloads.h"
#include "os/clock.h"

namespace faultline::bench {

class Turns {
 public:
  // The calling thread becomes a mutator of the heap.  Throws OutOfMemory.
  Turns(std::shared_ptr<HeapInstance> instance, const std::string& workload, const Parameters& parameters, uint32_t seed)
      : mutator_(std::move(instance)), work_(MakeWork(workload, mutator_, parameters, seed)) {
    if (work_ != nullptr) work_->Build();
    mutator_.Park();
  }
  // By the same thread.
  ~Turns() { mutator_.Unpark(); }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  bool known() const { return work_ != nullptr; }

  // The next `operations`; the CPU time that they took, without parking and unparking.  Throws OutOfMemory.
  uint64_t Take(uint32_t operations) {
    mutator_.Unpark();
    const uint64_t begin = ThreadCpuNs();
    for (uint32_t i = 0; i < operations; ++i) {
      work_->Step(next_++);
      mutator_.Poll();
    }
    const uint64_t cpu_ns = ThreadCpuNs() - begin;
    mutator_.Park();
    return cpu_ns;
  }

  uint64_t mismatches() const { return work_->mismatches; }

 private:
  NativeMutator mutator_;
  const std::unique_ptr<Work> work_;
  uint32_t next_ = 0;
};

}  // namespace faultline::bench
