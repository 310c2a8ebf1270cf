// The histogram against sorted values, the timeline against sums by hand.
#include <algorithm>
#include <cmath>

#include "heap/histogram.h"
#include "heap/timeline.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

bool Near(uint64_t value, uint64_t expected) {
  return std::fabs(static_cast<double>(value) - static_cast<double>(expected)) <= 0.035 * static_cast<double>(expected) + 0.5;
}

void AQuantileIsTheValueThatThisShareOfTheRecordsDoesNotExceed(uint64_t seed) {
  Random random(seed);
  for (const uint32_t count : {1u, 2u, 3u, 10u, 99u, 100u, 101u, 1000u}) {
    Histogram histogram;
    std::vector<uint64_t> values;
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t high = random.Next();
      const uint64_t low = random.Next();
      values.push_back((high << 32 | low) >> random.Below(64));
      histogram.Record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double share : {0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const size_t rank = static_cast<size_t>(std::max(1.0, std::ceil(share * count)));
      EXPECT(Near(histogram.Quantile(share), values[rank - 1]));
    }
    EXPECT(histogram.count() == count && histogram.max() == values.back());
  }
}

void ExtremesHaveBuckets() {
  Histogram histogram;
  EXPECT(histogram.Quantile(0.5) == 0);
  histogram.Record(0);
  EXPECT(histogram.Quantile(1) == 0);
  histogram.Record(~uint64_t{0});
  EXPECT(Near(histogram.Quantile(1), ~uint64_t{0}) && histogram.max() == ~uint64_t{0});
  for (uint64_t value : {1ull, 31ull, 32ull, 33ull, 63ull, 64ull, 65ull}) {
    Histogram one;
    one.Record(value);
    EXPECT(Near(one.Quantile(0.5), value));
  }
}

void NoRecordIsLostAmongThreads() {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 10000; ++i) histogram.Record(uint64_t{i} * (t + 1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(histogram.count() == 30000 && histogram.max() == 3 * 9999);
  EXPECT(histogram.total() == 6ull * (9999ull * 10000 / 2));
}

void WithoutARecordingUtilizationIsFull() {
  Timeline off;
  EXPECT(!off.enabled() && off.WorstUtilization(1'000'000) == 1);
  off.AddCollectorTime(0, 1'000'000, Interruption::kPause);
  off.ForEachInterval([](const Timeline::Interval&) { EXPECT(false); });
}

void SleepUntil(uint64_t until) {
  while (NowNs() < until) {
    const timespec pause = {0, 200'000};
    nanosleep(&pause, nullptr);
  }
}

void TheWorstWindowIsTheOneWithMostCollectorTime() {
  Timeline timeline;
  const uint64_t begin = NowNs();
  EXPECT(timeline.Create().ok());
  // 10 ms of collector time from 20 ms on, over bins' boundaries; 1 ms at 40 ms.
  SleepUntil(begin + 60 * kNsPerMs);
  timeline.AddCollectorTime(begin + 20 * kNsPerMs, begin + 30 * kNsPerMs, Interruption::kPause);
  timeline.AddCollectorTime(begin + 40 * kNsPerMs, begin + 41 * kNsPerMs, Interruption::kStall);
  timeline.AddCollectorTime(begin - 40 * kNsPerMs, begin - 30 * kNsPerMs, Interruption::kFault);     // Before it began: not counted.
  timeline.AddCollectorTime(begin + 50 * kNsPerMs, begin + 59 * kNsPerMs, Interruption::kSlowPath);  // Not in the bins.
  EXPECT(timeline.WorstUtilization(5 * kNsPerMs) == 0);
  EXPECT(std::fabs(timeline.WorstUtilization(20 * kNsPerMs) - 0.5) < 0.03);
  EXPECT(std::fabs(timeline.WorstUtilization(40 * kNsPerMs) - (1 - 11.0 / 40)) < 0.03);
  EXPECT(timeline.WorstUtilization(1'000'000 * kNsPerMs) == 1);  // Longer than the record.
  EXPECT(timeline.WorstUtilization(0) == 1);
  std::vector<Timeline::Interval> kept;
  timeline.ForEachInterval([&](const Timeline::Interval& interval) { kept.push_back(interval); });
  EXPECT(kept.size() == 3 && kept[2].cause == Interruption::kSlowPath);
  EXPECT(kept[0].start_ns == begin + 20 * kNsPerMs && kept[0].length_ns == 10 * kNsPerMs && kept[0].cause == Interruption::kPause);
  EXPECT(kept[1].start_ns == begin + 40 * kNsPerMs && kept[1].length_ns == kNsPerMs && kept[1].cause == Interruption::kStall);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261127);
  AQuantileIsTheValueThatThisShareOfTheRecordsDoesNotExceed(seed);
  ExtremesHaveBuckets();
  NoRecordIsLostAmongThreads();
  WithoutARecordingUtilizationIsFull();
  TheWorstWindowIsTheOneWithMostCollectorTime();
  return 0;
}
