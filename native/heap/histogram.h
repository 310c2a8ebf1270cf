// Histogram: durations in nanoseconds, log-linear like HdrHistogram (32 steps for each power of two, 3 % resolution).
// Recording is one relaxed add, so a signal handler may do it.
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline {

class Histogram {
 public:
  void Record(uint64_t ns) {
    buckets_[IndexOf(ns)].fetch_add(1, std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
    total_.fetch_add(ns, std::memory_order_relaxed);
    uint64_t max = max_.load(std::memory_order_relaxed);
    while (ns > max && !max_.compare_exchange_weak(max, ns, std::memory_order_relaxed)) {
    }
  }

  // The smallest recorded value (to 3 %) that `share` of the records do not exceed; 0 without records.
  uint64_t Quantile(double share) const {
    const uint64_t count = count_.load(std::memory_order_relaxed);
    if (count == 0) return 0;
    // The nearest rank: ceil(share * count), counted from 1; here from 0.
    const double exact = share * static_cast<double>(count);
    uint64_t rank = static_cast<uint64_t>(exact);
    if (rank > 0 && static_cast<double>(rank) == exact) --rank;
    if (rank >= count) rank = count - 1;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i].load(std::memory_order_relaxed);
      if (seen > rank) return ValueOf(i) < max() ? ValueOf(i) : max();
    }
    return max();
  }

  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t total() const { return total_.load(std::memory_order_relaxed); }
  uint64_t max() const { return max_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kStepsLog2 = 5;
  static constexpr uint32_t kSteps = 1u << kStepsLog2;
  static constexpr uint32_t kBuckets = (64 - kStepsLog2 + 1) * kSteps;

  static uint32_t IndexOf(uint64_t value) {
    if (value < kSteps) return static_cast<uint32_t>(value);
    const uint32_t exponent = 63 - static_cast<uint32_t>(__builtin_clzll(value));
    const uint32_t step = static_cast<uint32_t>(value >> (exponent - kStepsLog2)) & (kSteps - 1);
    return (exponent - kStepsLog2 + 1) * kSteps + step;
  }
  static uint64_t ValueOf(uint32_t index) {
    if (index < kSteps) return index;
    const uint32_t exponent = index / kSteps + kStepsLog2 - 1;
    const uint64_t step = index % kSteps;
    return ((uint64_t{kSteps} + step) << (exponent - kStepsLog2)) + (uint64_t{1} << (exponent - kStepsLog2)) / 2;
  }

  std::atomic<uint64_t> buckets_[kBuckets] = {};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> total_{0};
  std::atomic<uint64_t> max_{0};
};

}  // namespace faultline
