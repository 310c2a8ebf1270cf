// fragmentation; see bench/workloads/fragmentation.ts.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/work.h"

namespace faultline::bench {

template <typename Access>
class Fragmentation final : public Work {
 public:
  Fragmentation(NativeMutator& mutator, const Parameters& parameters, uint32_t seed)
      : mutator_(mutator),
        random_(seed),
        read_random_(~seed),
        table_(mutator.DefineArray("bench.table", 0, true)),
        value_(mutator.DefineArray("bench.doubles", 0, false)),
        limit_bytes_(parameters.Number("limitBytes")),
        first_bytes_(parameters.Count("firstBytes") & ~7u),
        second_bytes_((parameters.Count("secondBytes") + 7) & ~7u),
        first_count_(parameters.Count("firstCount")),
        stamps_(static_cast<size_t>(std::floor(limit_bytes_ / std::min(first_bytes_, second_bytes_))) + 1, 0),
        used_(stamps_.size(), 0) {}

  void Build() override { mutator_.root(kTable) = mutator_.Allocate(table_, static_cast<uint32_t>(stamps_.size())); }

  void Step(uint32_t index) override {
    ++clock_;
    const uint32_t bytes = index < first_count_ ? first_bytes_ : second_bytes_;
    while (bytes_ + bytes > limit_bytes_) Evict();
    const uint32_t at = count_++;
    stamps_[at] = used_[at] = clock_;
    bytes_ += bytes;
    Put(at, (bytes - kHeaderBytes) >> 3);
    for (uint32_t look = 0; look < kLooks; ++look) {
      const uint32_t seen = random_.Below(count_);
      used_[seen] = clock_;
      CheckValue(seen);
    }
  }

  void Look() override {
    for (uint32_t look = 0; look < kLooks; ++look) {
      const uint32_t seen = read_random_.Below(count_);
      const WordIndex value = Load(seen);
      if (!IsStamped(value, seen, 0) || !IsStamped(value, seen, mutator_.Count(value) - 1)) ++mismatches;
    }
  }

  void Verify() override {
    for (uint32_t i = 0; i < count_; ++i) {
      CheckValue(i);
      Add(stamps_[i]);
    }
  }

  void Corrupt() override {
    for (uint32_t i = 0; i < count_; i += 2) mutator_.doubles(Load(i))[value_.fixed_words] = -1;
  }

  double LiveBytes() const override { return bytes_; }

 private:
  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kHeaderBytes = 8;
  static constexpr uint32_t kEvictionSamples = 5;
  static constexpr uint32_t kLooks = 2;

  static uint32_t StampWord(uint32_t stamp, uint32_t at) { return Mixed(stamp + at) >> 2; }

  uint32_t* Slot(uint32_t index) { return &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + index]; }
  WordIndex Load(uint32_t index) { return Access::Load(mutator_, Slot(index)); }

  void Put(uint32_t index, uint32_t words) {
    const WordIndex value = mutator_.Allocate(value_, words);
    double* const first = mutator_.doubles(value) + value_.fixed_words;
    for (uint32_t i = 0; i < words; ++i) first[i] = StampWord(clock_, i);
    Access::Store(mutator_, Slot(index), value);
  }

  void Evict() {
    uint32_t oldest = random_.Below(count_);
    for (uint32_t sample = 1; sample < kEvictionSamples; ++sample) {
      const uint32_t other = random_.Below(count_);
      if (used_[other] < used_[oldest]) oldest = other;
    }
    bytes_ -= mutator_.Count(Load(oldest)) * 8 + kHeaderBytes;
    const uint32_t last = --count_;
    Access::Store(mutator_, Slot(oldest), Load(last));
    Access::Store(mutator_, Slot(last), 0);
    stamps_[oldest] = stamps_[last];
    used_[oldest] = used_[last];
  }

  void CheckValue(uint32_t index) {
    const WordIndex value = Load(index);
    Check(IsStamped(value, index, 0));
    Check(IsStamped(value, index, mutator_.Count(value) - 1));
  }

  bool IsStamped(WordIndex value, uint32_t index, uint32_t at) {
    return mutator_.doubles(value)[value_.fixed_words + at] == StampWord(stamps_[index], at);
  }

  NativeMutator& mutator_;
  Random random_;
  Random read_random_;  // How many requests only read must not change the rest.
  const BenchShape table_;
  const BenchShape value_;
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
