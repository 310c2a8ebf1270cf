// The gang: a job is done completely, by all serving workers, and no worker is in it any more when it is reported done.
#include <cinttypes>

#include "gc/gang.h"
#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint64_t kSliceNs = 2 * kNsPerMs;

// Items of plain memory: whoever takes one writes it, unprotected.  `guard` is gone with the job, so that a helper who
// came too late would be seen.
class ItemJob final : public Job {
 public:
  ItemJob(uint32_t items, uint32_t spin) : done(items, 0), spin_(spin) {}
  ~ItemJob() override { EXPECT(inside.load() == 0); }
  bool Run(uint32_t worker, uint64_t deadline_ns) override {
    inside.fetch_add(1);
    workers.fetch_or(uint64_t{1} << worker);
    bool all = true;
    for (;;) {
      if (NowNs() >= deadline_ns) {
        all = false;
        break;
      }
      const size_t item = cursor_.fetch_add(1, std::memory_order_relaxed);
      if (item >= done.size()) break;
      for (uint32_t i = 0; i < spin_; ++i) CpuRelax();
      ++done[item];
    }
    inside.fetch_sub(1);
    return all;
  }
  bool Exhausted() const override { return cursor_.load(std::memory_order_relaxed) >= done.size(); }

  std::vector<uint32_t> done;
  std::atomic<uint64_t> workers{0};
  std::atomic<uint32_t> inside{0};

 private:
  uint32_t spin_;
  std::atomic<size_t> cursor_{0};
};

class Pool {
 public:
  Pool(Gang* gang, uint32_t workers) {
    for (uint32_t w = 0; w < workers; ++w) {
      threads_.emplace_back([this, gang, w] {
        while (!ending_.load(std::memory_order_acquire)) gang->Serve(w, kSliceNs);
      });
    }
    while (gang->serving() < workers) sched_yield();
  }
  ~Pool() {
    ending_.store(true, std::memory_order_release);
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> ending_{false};
  std::vector<std::thread> threads_;
};

void CheckComplete(const ItemJob& job) {
  for (const uint32_t times : job.done) EXPECT(times == 1);
  EXPECT(job.inside.load() == 0);
}

void AJobIsDoneCompletelyWithAnyNumberOfWorkers(uint64_t seed) {
  Random random(seed);
  uint64_t seen_workers = 0;
  for (uint32_t workers = 0; workers <= 3; ++workers) {
    Gang gang;
    Pool pool(&gang, workers);
    for (uint32_t round = 0; round < (ShortForm() ? 100u : 500u); ++round) {
      ItemJob job(random.Below(200), random.Below(100));
      if (round % 2 == 0) {
        gang.RunToEnd(&job);
      } else {
        const Gang::Start start = random.Below(2) == 0 ? Gang::Start::kAlone : Gang::Start::kTogether;
        while (!gang.RunSlice(&job, NowNs() + random.Below(300) * kNsPerUs, start)) {
        }
      }
      CheckComplete(job);
      seen_workers |= job.workers.load();
    }
  }
  EXPECT((seen_workers & 1) != 0);  // Workers did take part, not the control thread alone.
}

void WithoutWorkersTheControlThreadDoesEverythingItself() {
  Gang gang;
  ItemJob job(100, 10);
  while (!gang.RunSlice(&job, NowNs() + kSliceNs)) {
  }
  CheckComplete(job);
  EXPECT(job.workers.load() == uint64_t{1} << Gang::kControlWorker);
}

void WhileAWorkerServesTheControlThreadOnlySeesToAConcurrentJob() {
  Gang gang;
  std::atomic<bool> ending{false};
  std::thread worker([&] {
    while (!ending.load()) gang.Serve(0, 20 * kNsPerMs);
  });
  uint32_t alone = 0;
  for (uint32_t round = 0; round < 20; ++round) {
    while (gang.serving() == 0) sched_yield();
    ItemJob job(50, 50);
    while (!gang.RunSlice(&job, NowNs() + kSliceNs)) {
    }
    CheckComplete(job);
    alone += job.workers.load() == 1 ? 1 : 0;
  }
  EXPECT(alone > 0);  // Between two slices of the worker the control thread may help.
  ending.store(true);
  worker.join();
}

void AJobThatBeginsAloneIsSharedOnlyIfItIsLong() {
  Gang gang;
  Pool pool(&gang, 1);
  const uint64_t control = uint64_t{1} << Gang::kControlWorker;
  uint32_t alone = 0;
  for (uint32_t round = 0; round < 20; ++round) {
    ItemJob job(10, 10);
    while (!gang.RunSlice(&job, NowNs() + kSliceNs, Gang::Start::kAlone)) {
    }
    CheckComplete(job);
    alone += job.workers.load() == control ? 1 : 0;
  }
  EXPECT(alone > 0);  // Not always: the control thread may lose its CPU for longer than it would work alone.
  ItemJob job(20'000, 500);
  while (!gang.RunSlice(&job, NowNs() + kSliceNs, Gang::Start::kAlone)) {
  }
  CheckComplete(job);
  EXPECT(job.workers.load() == (control | 1));
}

void ASliceEndsInTime() {
  Gang gang;
  ItemJob endless(1u << 20, 500);
  const uint64_t begin = NowNs();
  EXPECT(!gang.RunSlice(&endless, begin + 5 * kNsPerMs));
  EXPECT(NowNs() - begin >= 5 * kNsPerMs && NowNs() - begin < 2000 * kNsPerMs);
}

void ServingWithoutAJobSleepsForItsSliceAndNoLonger() {
  Gang gang;
  const uint64_t begin = NowNs();
  gang.Serve(0, 5 * kNsPerMs);
  EXPECT(NowNs() - begin >= 5 * kNsPerMs && NowNs() - begin < 2000 * kNsPerMs);
  EXPECT(gang.serving() == 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261126);
  WithoutWorkersTheControlThreadDoesEverythingItself();
  WhileAWorkerServesTheControlThreadOnlySeesToAConcurrentJob();
  AJobThatBeginsAloneIsSharedOnlyIfItIsLong();
  ServingWithoutAJobSleepsForItsSliceAndNoLonger();
  ASliceEndsInTime();
  AJobIsDoneCompletelyWithAnyNumberOfWorkers(seed);
  return 0;
}
