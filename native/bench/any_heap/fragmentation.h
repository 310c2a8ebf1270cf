// fragmentation; see bench/workloads/fragmentation.ts.  It is compiled with a class of values by index; only `Build` and `Put` are
// safepoints, and a `Value` or its words are good until the next one:
//
//   void Build(capacity)                  no values yet
//   double* Put(index, words)             a new value; the words are the caller's to fill
//   Value At(index)
//   double* Words(Value), uint32_t Count(Value)
//   void Replace(index, last)             the value at `last` moves to `index`, where one dies; nothing is at `last` then
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "work.h"

namespace faultline::bench {

template <typename Values>
class Fragmentation final : public Work {
 public:
  Fragmentation(const auto& parameters, uint32_t seed, Values values)
      : values_(values),
        random_(seed),
        read_random_(~seed),
        limit_bytes_(parameters.Number("limitBytes")),
        first_bytes_(parameters.Count("firstBytes") & ~7u),
        second_bytes_((parameters.Count("secondBytes") + 7) & ~7u),
        first_count_(parameters.Count("firstCount")),
        stamps_(static_cast<size_t>(std::floor(limit_bytes_ / std::min(first_bytes_, second_bytes_))) + 1, 0),
        used_(stamps_.size(), 0) {}

  void Build() override { values_.Build(static_cast<uint32_t>(stamps_.size())); }

  void Step(uint32_t index) override {
    ++clock_;
    const uint32_t bytes = index < first_count_ ? first_bytes_ : second_bytes_;
    while (bytes_ + bytes > limit_bytes_) Evict();
    const uint32_t at = count_++;
    stamps_[at] = used_[at] = clock_;
    bytes_ += bytes;
    const uint32_t words = (bytes - kHeaderBytes) >> 3;
    double* const first = values_.Put(at, words);
    for (uint32_t i = 0; i < words; ++i) first[i] = StampWord(clock_, i);
    for (uint32_t look = 0; look < kLooks; ++look) {
      const uint32_t seen = random_.Below(count_);
      used_[seen] = clock_;
      CheckValue(seen);
    }
  }

  void Look() override {
    for (uint32_t look = 0; look < kLooks; ++look) {
      const uint32_t seen = read_random_.Below(count_);
      const auto value = values_.At(seen);
      if (!IsStamped(value, seen, 0) || !IsStamped(value, seen, values_.Count(value) - 1)) ++mismatches;
    }
  }

  void Verify() override {
    for (uint32_t i = 0; i < count_; ++i) {
      CheckValue(i);
      Add(stamps_[i]);
    }
  }

  void Corrupt() override {
    for (uint32_t i = 0; i < count_; i += 2) values_.Words(values_.At(i))[0] = -1;
  }

  double LiveBytes() const override { return bytes_; }

 private:
  static constexpr uint32_t kHeaderBytes = 8;
  static constexpr uint32_t kEvictionSamples = 5;
  static constexpr uint32_t kLooks = 2;

  static uint32_t StampWord(uint32_t stamp, uint32_t at) { return Mixed(stamp + at) >> 2; }

  void Evict() {
    uint32_t oldest = random_.Below(count_);
    for (uint32_t sample = 1; sample < kEvictionSamples; ++sample) {
      const uint32_t other = random_.Below(count_);
      if (used_[other] < used_[oldest]) oldest = other;
    }
    bytes_ -= values_.Count(values_.At(oldest)) * 8 + kHeaderBytes;
    const uint32_t last = --count_;
    values_.Replace(oldest, last);
    stamps_[oldest] = stamps_[last];
    used_[oldest] = used_[last];
  }

  void CheckValue(uint32_t index) {
    const auto value = values_.At(index);
    Check(IsStamped(value, index, 0));
    Check(IsStamped(value, index, values_.Count(value) - 1));
  }

  bool IsStamped(auto value, uint32_t index, uint32_t at) { return values_.Words(value)[at] == StampWord(stamps_[index], at); }

  Values values_;
  Random random_;
  Random read_random_;  // How many requests only read must not change the rest.
  const double limit_bytes_;
  const uint32_t first_bytes_;
  const uint32_t second_bytes_;
  const uint32_t first_count_;
  std::vector<uint32_t> stamps_;
  std::vector<uint32_t> used_;
  uint32_t count_ = 0;
  uint32_t clock_ = 0;
  double bytes_ = 0;
};

}  // namespace faultline::bench
