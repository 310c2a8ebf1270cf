// allocation-rate; see bench/workloads/allocation-rate.ts and clusters.ts.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bench/work.h"

namespace faultline::bench {

class SizeDistribution {
 public:
  static constexpr uint32_t kLeastWords = 3;

  explicit SizeDistribution(const Parameters& parameters) {
    words_10_ = std::max(kLeastWords, parameters.Count("objectBytesP10") >> 3);
    words_50_ = std::max(words_10_, parameters.Count("objectBytesP50") >> 3);
    words_90_ = std::max(words_50_, parameters.Count("objectBytesP90") >> 3);
    const double rest = 0.1 * words_10_ + 0.2 * (words_10_ + words_50_) + 0.2 * (words_50_ + words_90_);
    const double tail = (parameters.Number("objectBytesMean") / 8 - rest) * 10;
    const double most = std::floor(2 * tail) - words_90_;
    most_words_ = most > words_90_ ? static_cast<uint32_t>(most) : words_90_;
  }

  uint32_t Pick(Random& random) const {
    const double share = random.Fraction();
    if (share < 0.1) return words_10_;
    if (share < 0.5) return Between(random, words_10_, words_50_);
    if (share < 0.9) return Between(random, words_50_, words_90_);
    return Between(random, words_90_, most_words_);
  }

 private:
  static uint32_t Between(Random& random, uint32_t least, uint32_t most) { return least + random.Below(most - least + 1); }
  uint32_t words_10_;
  uint32_t words_50_;
  uint32_t words_90_;
  uint32_t most_words_;
};

template <typename Access>
class AllocationRate final : public Work {
 public:
  AllocationRate(NativeMutator& mutator, const Parameters& parameters, uint32_t seed)
      : mutator_(mutator),
        random_(seed),
        sizes_(parameters),
        table_(mutator.DefineArray("bench.table", 0, true)),
        holder_(mutator.DefineShape("bench.holder", 1, 0)),
        density_(parameters.Number("pointerDensity")),
        mutations_(parameters.Count("mutationsPerOperation")),
        check_every_(parameters.Count("checkEvery")),
        survival_percent_(parameters.Count("survivalPercent")),
        numbers_(static_cast<size_t>(std::max(
                     1.0, std::floor(parameters.Number("liveBytes") / (kCluster * parameters.Number("objectBytesMean"))))),
                 0) {
    for (uint32_t references = 1; references <= kMostReferences; ++references) {
      shapes_[references] = mutator.DefineArray(("bench.member-" + std::to_string(references)).c_str(), references, false);
      references_of_.resize(std::max<size_t>(references_of_.size(), shapes_[references].id + 1));
      references_of_[shapes_[references].id] = references;
    }
  }

  void Build() override {
    const uint32_t holders = static_cast<uint32_t>(numbers_.size());
    mutator_.root(kTable) = mutator_.Allocate(table_, holders);
    for (uint32_t i = 0; i < holders; ++i) {
      const WordIndex holder = mutator_.Allocate(holder_);
      Access::Store(mutator_, HolderSlot(i), holder);
    }
    for (uint32_t i = 0; i < holders; ++i) MakeCluster(static_cast<int32_t>(i));
  }

  void Step(uint32_t index) override {
    const uint32_t holders = static_cast<uint32_t>(numbers_.size());
    const bool survives = random_.Below(100) < survival_percent_;
    MakeCluster(survives ? static_cast<int32_t>(random_.Below(holders)) : -1);
    for (uint32_t i = 0; i < mutations_; ++i) {
      const uint32_t holder = random_.Below(holders);
      Swing(holder, random_.Below(kCluster));
    }
    if (index % check_every_ == 0) CheckCluster(random_.Below(holders));
  }

  void Verify() override {
    for (uint32_t holder = 0; holder < numbers_.size(); ++holder) {
      CheckCluster(holder);
      Add(numbers_[holder]);
    }
  }

  void Corrupt() override {
    for (uint32_t holder = 0; holder < numbers_.size(); ++holder) {
      const WordIndex object = Newest(holder);
      *Stamp(object) = -1;
    }
  }

 private:
  static constexpr uint32_t kCluster = 8;
  static constexpr uint32_t kMostReferences = 8;
  static constexpr uint32_t kHolderShare = 4;
  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kFirstMember = 1;
  static constexpr uint32_t kFirstReference = kHeaderSlots;

  uint32_t* HolderSlot(uint32_t holder) { return &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + holder]; }
  uint32_t* NewestSlot(uint32_t holder) {
    return &mutator_.slots(Access::Load(mutator_, HolderSlot(holder)))[kFirstReference];
  }
  WordIndex Newest(uint32_t holder) { return Access::Load(mutator_, NewestSlot(holder)); }
  uint32_t ReferencesOf(WordIndex object) { return references_of_[mutator_.slots(object)[0]]; }
  double* Stamp(WordIndex object) { return mutator_.doubles(object) + 1 + (ReferencesOf(object) + 1) / 2; }

  uint32_t ReferencesFor(uint32_t words) const {
    uint32_t references = static_cast<uint32_t>(
        std::max(1.0, std::min<double>(kMostReferences, std::floor(density_ * words + 0.5))));
    while (1 + ((references + 1) >> 1) + 1 > words) --references;
    return references;
  }

  void MakeCluster(int32_t holder) {
    const uint32_t number = ++made_;
    for (uint32_t member = 0; member < kCluster; ++member) {
      const uint32_t words = sizes_.Pick(random_);
      const uint32_t references = ReferencesFor(words);
      const BenchShape& shape = shapes_[references];
      const WordIndex object = mutator_.Allocate(shape, words - shape.fixed_words);
      mutator_.root(kFirstMember + member) = object;
      mutator_.doubles(object)[shape.fixed_words] = static_cast<double>(number) * kCluster + member;
      uint32_t* const slots = &mutator_.slots(object)[kFirstReference];
      if (member > 0) slots[0] = mutator_.root(kFirstMember + member - 1);
      for (uint32_t reference = 1; reference < references; ++reference) {
        if (random_.Below(kHolderShare) == 0) {
          slots[reference] = Access::Load(mutator_, HolderSlot(random_.Below(static_cast<uint32_t>(numbers_.size()))));
        } else {
          slots[reference] = mutator_.root(kFirstMember + random_.Below(member + 1));
        }
      }
    }
    if (holder >= 0) {
      Access::Store(mutator_, NewestSlot(static_cast<uint32_t>(holder)), mutator_.root(kFirstMember + kCluster - 1));
      numbers_[static_cast<uint32_t>(holder)] = number;
    }
    for (uint32_t member = 0; member < kCluster; ++member) mutator_.root(kFirstMember + member) = 0;
  }

  void Swing(uint32_t holder, uint32_t steps) {
    const WordIndex newest = Newest(holder);
    WordIndex object = newest;
    for (uint32_t i = 0; i < steps; ++i) object = Access::Load(mutator_, &mutator_.slots(object)[kFirstReference]);
    if (ReferencesOf(object) > 1) Access::Store(mutator_, &mutator_.slots(object)[kFirstReference + 1], newest);
  }

  void CheckCluster(uint32_t holder) {
    double wanted = static_cast<double>(numbers_[holder]) * kCluster + kCluster - 1;
    uint32_t right = 0;
    for (WordIndex object = Newest(holder); object != 0;
         object = Access::Load(mutator_, &mutator_.slots(object)[kFirstReference])) {
      if (*Stamp(object) == wanted) ++right;
      wanted -= 1;
    }
    checks += kCluster;
    mismatches += kCluster - right;
  }

  NativeMutator& mutator_;
  Random random_;
  const SizeDistribution sizes_;
  const BenchShape table_;
  const BenchShape holder_;
  BenchShape shapes_[kMostReferences + 1];
  std::vector<uint32_t> references_of_;  // By shape id.
  const double density_;
  const uint32_t mutations_;
  const uint32_t check_every_;
  const uint32_t survival_percent_;
  std::vector<uint32_t> numbers_;
  uint32_t made_ = 0;
};

}  // namespace faultline::bench
