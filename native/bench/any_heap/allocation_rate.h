// allocation-rate; see bench/workloads/allocation-rate.ts.  It is compiled with a class of clusters; only `Build` and `Make` are
// safepoints.  The cluster that is being made has its members at 0 to kCluster - 1:
//
//   void Build(holders)
//   void Make(member, words, references, stamp)      a new member; its first reference leads to the one before
//   void LinkMember(reference, to)                   of the member made last
//   void LinkHolder(reference, holder)
//   void Put(holder)                                 the cluster just made goes into the holder, or nowhere (-1)
//   void Swing(holder, steps)                        the second reference of the member after so many steps leads to the newest one
//   uint32_t Count(holder, stamp)                    members of the holder's cluster with the right stamps, which count down from `stamp`
//   void Spoil(holder)
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "size_distribution.h"
#include "work.h"

namespace faultline::bench {

// Objects of a cluster.
inline constexpr uint32_t kCluster = 8;

template <typename Clusters>
class AllocationRate final : public Work {
 public:
  AllocationRate(const auto& parameters, uint32_t seed, Clusters clusters)
      : clusters_(std::move(clusters)),
        random_(seed),
        sizes_(parameters),
        density_(parameters.Number("pointerDensity")),
        mutations_(parameters.Count("mutationsPerOperation")),
        check_every_(parameters.Count("checkEvery")),
        survival_percent_(parameters.Count("survivalPercent")),
        numbers_(static_cast<size_t>(
                     std::max(1.0, std::floor(parameters.Number("liveBytes") / (kCluster * parameters.Number("objectBytesMean"))))),
                 0),
        holders_(static_cast<uint32_t>(numbers_.size())) {}

  void Build() override {
    clusters_.Build(holders_);
    for (uint32_t holder = 0; holder < holders_; ++holder) MakeCluster(static_cast<int32_t>(holder));
  }

  void Step(uint32_t index) override {
    const bool survives = random_.Below(100) < survival_percent_;
    MakeCluster(survives ? static_cast<int32_t>(random_.Below(holders_)) : -1);
    for (uint32_t i = 0; i < mutations_; ++i) {
      const uint32_t holder = random_.Below(holders_);
      clusters_.Swing(holder, random_.Below(kCluster));
    }
    if (index % check_every_ == 0) CheckCluster(random_.Below(holders_));
  }

  void Verify() override {
    for (uint32_t holder = 0; holder < holders_; ++holder) {
      CheckCluster(holder);
      Add(numbers_[holder]);
    }
  }

  void Corrupt() override {
    for (uint32_t holder = 0; holder < holders_; ++holder) clusters_.Spoil(holder);
  }

 private:
  // One of so many references leads to a holder.
  static constexpr uint32_t kHolderShare = 4;

  void MakeCluster(int32_t holder) {
    const uint32_t number = ++made_;
    for (uint32_t member = 0; member < kCluster; ++member) {
      const uint32_t words = sizes_.Pick(random_);
      const uint32_t references = SizeDistribution::ReferencesOf(words, density_);
      clusters_.Make(member, words, references, static_cast<double>(number) * kCluster + member);
      for (uint32_t reference = 1; reference < references; ++reference) {
        if (random_.Below(kHolderShare) == 0) {
          clusters_.LinkHolder(reference, random_.Below(holders_));
        } else {
          clusters_.LinkMember(reference, random_.Below(member + 1));
        }
      }
    }
    clusters_.Put(holder);
    if (holder >= 0) numbers_[static_cast<uint32_t>(holder)] = number;
  }

  void CheckCluster(uint32_t holder) {
    const double last = static_cast<double>(numbers_[holder]) * kCluster + kCluster - 1;
    checks += kCluster;
    mismatches += kCluster - clusters_.Count(holder, last);
  }

  Clusters clusters_;
  Random random_;
  const SizeDistribution sizes_;
  const double density_;
  const uint32_t mutations_;
  const uint32_t check_every_;
  const uint32_t survival_percent_;
  // Of the cluster in each holder.
  std::vector<uint32_t> numbers_;
  const uint32_t holders_;
  uint32_t made_ = 0;
};

}  // namespace faultline::bench
