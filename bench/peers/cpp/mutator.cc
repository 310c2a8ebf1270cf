#include "mutator.h"

#include <pthread.h>

#include <string>

#include "clock.h"
#include "workloads.h"

namespace faultline::peers {
namespace {

// A sleep ends late by about this much; what is left is waited for awake.
constexpr int64_t kSleepSlackNs = 150'000;

void AwaitTime(int64_t until_ns) {
  for (int64_t now = NowNs(); now < until_ns; now = NowNs()) {
    if (until_ns - now <= 2 * kSleepSlackNs) {
      __builtin_ia32_pause();
      continue;
    }
    const int64_t wake_ns = until_ns - kSleepSlackNs;
    const timespec wake = {wake_ns / 1'000'000'000, wake_ns % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr);
  }
}

void Measure(Measurement& measurement, uint32_t mutator, bench::Work& work) {
  const Parameters& parameters = measurement.parameters;
  const uint32_t warm_up = parameters.Count("warmUp");
  const uint32_t operations = parameters.Count("operations");
  const uint32_t corrupt_at = parameters.Count("corruptAt");
  const double per_second = parameters.Number("operationsPerSecond");
  const double interval_ns = per_second > 0 ? 1e9 / per_second : 0;
  const int64_t began = measurement.began_ns;
  int64_t ended = began;
  for (uint32_t i = 0; i < operations; ++i) {
    int64_t start = ended;
    if (interval_ns > 0) {
      start = began + static_cast<int64_t>(i * interval_ns);
      AwaitTime(start);
    }
    work.Step(warm_up + i);
    if (measurement.requests.wanted()) {
      ended = NowNs();
      measurement.requests.Note(uint64_t{mutator} * operations + i, start - began, ended - began);
    }
    if (i + 1 == corrupt_at) work.Corrupt();
  }
}

}  // namespace

void* RunMutator(void* argument) {
  auto& mutator = *static_cast<Mutator*>(argument);
  Measurement& measurement = *mutator.measurement;
  pthread_setname_np(pthread_self(), ("mutator-" + std::to_string(mutator.index)).c_str());
  mutator.work = MakeWork(measurement.parameters, measurement.parameters.Seed(mutator.index));
  const uint32_t warm_up = measurement.parameters.Count("warmUp");
  mutator.work->Build();
  for (uint32_t i = 0; i < warm_up; ++i) mutator.work->Step(i);
  measurement.barrier.arrive_and_wait();
  measurement.barrier.arrive_and_wait();
  Measure(measurement, mutator.index, *mutator.work);
  measurement.barrier.arrive_and_wait();
  mutator.work->Verify();
  measurement.barrier.arrive_and_wait();
  return nullptr;
}

}  // namespace faultline::peers
