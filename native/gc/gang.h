// Gang: the GC workers, as native code sees them.
//
// The threads belong to a piscina pool in TypeScript.  During a cycle each of them is in Serve(), which sleeps until the control thread
// posts a job, helps with it, and returns to JavaScript after a time slice.  So a pause can use workers without entering JavaScript; with
// a pool that has no threads, the control thread does everything alone.
//
//   posting     control: store active seq_cst, bump generation release, wake     worker: acquire load of generation
//   joining     worker: helpers += 1 seq_cst, then test active seq_cst           control: store inactive seq_cst, then
//               wait for helpers == 0 (acquire); one of the two sees the other
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline {

class Job {
 public:
  virtual ~Job() = default;
  // Works until nothing is left to hand out (true) or the time is over (false).  Called by several threads at once;
  // `worker` is below Gang::kMaxWorkers and differs between them.
  virtual bool Run(uint32_t worker, uint64_t deadline_ns) = 0;
  // Nothing is left to hand out (helpers may still be busy with what they took).
  virtual bool Exhausted() const = 0;
};

class Gang {
 public:
  static constexpr uint32_t kMaxWorkers = 64;
  static constexpr uint32_t kControlWorker = kMaxWorkers - 1;  // The control thread's own number.
  static constexpr uint64_t kForever = ~uint64_t{0};

  // Worker side: helps for up to `slice_ns`.
  void Serve(uint32_t worker, uint64_t slice_ns);

  // Control side: runs the job to its end with the help of every serving worker.
  void RunToEnd(Job* job);

  // Control side, for concurrent phases: runs the job until `deadline_ns`; true when it is done and no thread is in it any more.  Call it
  // with the same job until then.  The control thread works on it only while no worker serves, so that a heap uses as many threads as its
  // `workers` option says.  With kAlone it begins alone and asks for help after a while: on a busy machine a short job is done before a
  // worker would have been given a CPU.
  enum class Start { kTogether, kAlone };
  bool RunSlice(Job* job, uint64_t deadline_ns, Start start = Start::kTogether);

  uint32_t serving() const { return serving_.load(std::memory_order_relaxed); }

 private:
  void Post(Job* job);
  bool Retire(uint64_t deadline_ns);

  std::atomic<uint32_t> generation_{0};
  std::atomic<Job*> active_{nullptr};
  std::atomic<uint32_t> helpers_{0};
  std::atomic<uint32_t> serving_{0};
  // Control's own: RunSlice saw the end of the job and waits for helpers to leave.
  bool retiring_ = false;
};

}  // namespace faultline
