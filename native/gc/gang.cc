#include "gc/gang.h"

#include <sched.h>

#include "os/clock.h"
#include "os/futex.h"

namespace faultline {

namespace {

constexpr uint64_t kLookAgainNs = 200 * kNsPerUs;
// About ten times as long as a woken worker takes to start running on a machine with a spare CPU.
constexpr uint64_t kAloneNs = kNsPerMs;

}  // namespace

void Gang::Serve(uint32_t worker, uint64_t slice_ns) {
  serving_.fetch_add(1, std::memory_order_relaxed);
  const uint64_t deadline = NowNs() + slice_ns;
  for (;;) {
    const uint32_t generation = generation_.load(std::memory_order_acquire);
    bool exhausted = true;
    helpers_.fetch_add(1, std::memory_order_seq_cst);
    if (Job* job = active_.load(std::memory_order_seq_cst); job != nullptr) exhausted = job->Run(worker, deadline);
    helpers_.fetch_sub(1, std::memory_order_release);
    const uint64_t now = NowNs();
    if (now >= deadline) break;
    if (exhausted) FutexWait(&generation_, generation, deadline - now);
  }
  serving_.fetch_sub(1, std::memory_order_relaxed);
}

void Gang::Post(Job* job) {
  active_.store(job, std::memory_order_seq_cst);
  generation_.fetch_add(1, std::memory_order_release);
  if (serving_.load(std::memory_order_relaxed) > 0) FutexWakeAll(&generation_);
}

bool Gang::Retire(uint64_t deadline_ns) {
  active_.store(nullptr, std::memory_order_seq_cst);
  for (uint32_t spin = 0; helpers_.load(std::memory_order_seq_cst) != 0; ++spin) {
    if (spin < 100) {
      CpuRelax();
      continue;
    }
    if (deadline_ns != kForever && NowNs() >= deadline_ns) return false;
    sched_yield();
  }
  return true;
}

void Gang::RunToEnd(Job* job) {
  // A pause that has nothing to hand out wakes nobody.
  if (job->Exhausted()) return;
  Post(job);
  while (!job->Run(kControlWorker, kForever)) {
  }
  Retire(kForever);
}

bool Gang::RunSlice(Job* job, uint64_t deadline_ns, Start start) {
  if (!retiring_) {
    if (active_.load(std::memory_order_relaxed) != job) {
      if (start == Start::kAlone) {
        const uint64_t alone_until = NowNs() + kAloneNs;
        job->Run(kControlWorker, alone_until < deadline_ns ? alone_until : deadline_ns);
        if (job->Exhausted()) return true;
      }
      Post(job);
    }
    while (!job->Exhausted()) {
      const uint64_t now = NowNs();
      if (now >= deadline_ns) return false;
      if (serving() == 0) {
        job->Run(kControlWorker, now + kLookAgainNs < deadline_ns ? now + kLookAgainNs : deadline_ns);
      } else {
        const uint64_t left = deadline_ns - now;
        FutexWait(&generation_, generation_.load(std::memory_order_relaxed), left < kLookAgainNs ? left : kLookAgainNs);
      }
    }
    retiring_ = true;
  }
  if (!Retire(deadline_ns)) return false;
  retiring_ = false;
  return true;
}

}  // namespace faultline
