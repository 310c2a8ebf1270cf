// After the test of Redis in "Mesh: compacting memory management for C/C++ applications" (PLDI 2019): a cache is filled with more values
// of one size than it holds, then with values of another; what is evicted leaves holes everywhere.  The logic is that of
// bench/workloads/fragmentation.ts.
#include <algorithm>
#include <vector>

#include "work.h"

namespace faultline::peers {
namespace {

constexpr uint32_t kHeaderBytes = 8;
constexpr int kEvictionSamples = 5;
constexpr int kLooks = 2;

struct Value {
  uint64_t words;
  double word[];
};

double StampWord(uint32_t stamp, uint32_t at) { return Mixed(stamp + at) >> 2; }

class Fragmentation final : public Work {
 public:
  Fragmentation(const Parameters& parameters, uint32_t seed)
      : random_(seed),
        limit_bytes_(static_cast<uint64_t>(parameters.Number("limitBytes"))),
        first_bytes_(parameters.Count("firstBytes") & ~7u),
        second_bytes_((parameters.Count("secondBytes") + 7) & ~7u),
        first_count_(parameters.Count("firstCount")),
        stamps_(limit_bytes_ / std::min(first_bytes_, second_bytes_) + 1),
        used_(stamps_.size()) {}

  void Build() override { table_ = static_cast<Value**>(AllocateBytes(stamps_.size() * sizeof(Value*))); }

  void Step(uint32_t index) override {
    ++clock_;
    const uint32_t size = index < first_count_ ? first_bytes_ : second_bytes_;
    while (bytes_ + size > limit_bytes_) Evict();
    const uint32_t at = count_++;
    stamps_[at] = clock_;
    used_[at] = clock_;
    bytes_ += size;
    const uint32_t words = (size - kHeaderBytes) >> 3;
    auto* const value = static_cast<Value*>(AllocateData(size));
    value->words = words;
    for (uint32_t i = 0; i < words; ++i) value->word[i] = StampWord(clock_, i);
    table_[at] = value;
    for (int look = 0; look < kLooks; ++look) {
      const uint32_t seen = random_.Below(count_);
      used_[seen] = clock_;
      CheckValue(seen);
    }
  }

  void Verify() override {
    for (uint32_t i = 0; i < count_; ++i) {
      CheckValue(i);
      Add(stamps_[i]);
    }
  }

  void Corrupt() override {
    for (uint32_t i = 0; i < count_; i += 2) table_[i]->word[0] = -1;
  }

  uint64_t LiveBytes() const override { return bytes_; }

 private:
  void Evict() {
    uint32_t oldest = random_.Below(count_);
    for (int sample = 1; sample < kEvictionSamples; ++sample) {
      const uint32_t other = random_.Below(count_);
      if (used_[other] < used_[oldest]) oldest = other;
    }
    bytes_ -= table_[oldest]->words * 8 + kHeaderBytes;
    Free(table_[oldest]);
    const uint32_t last = --count_;
    table_[oldest] = table_[last];
    table_[last] = nullptr;
    stamps_[oldest] = stamps_[last];
    used_[oldest] = used_[last];
  }

  void CheckValue(uint32_t index) {
    const Value* const value = table_[index];
    const auto last = static_cast<uint32_t>(value->words - 1);
    Check(value->word[0] == StampWord(stamps_[index], 0));
    Check(value->word[last] == StampWord(stamps_[index], last));
  }

  Random random_;
  const uint64_t limit_bytes_;
  const uint32_t first_bytes_;
  const uint32_t second_bytes_;
  const uint32_t first_count_;
  std::vector<uint32_t> stamps_;
  std::vector<uint32_t> used_;
  Value** table_ = nullptr;
  uint32_t count_ = 0;
  uint32_t clock_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

Work* MakeFragmentation(const Parameters& parameters, uint32_t seed) { return new Fragmentation(parameters, seed); }

}  // namespace faultline::peers
