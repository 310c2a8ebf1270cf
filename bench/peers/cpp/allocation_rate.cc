// After HyperAlloc: clusters of objects that refer to each other are made; a share of them takes the place of another one.  The logic is
// that of bench/workloads/allocation-rate.ts.
//
// A reference takes 8 bytes here and 4 there, so members with little beside their references are larger than in the other systems.
#include <algorithm>
#include <vector>

#include "size_distribution.h"
#include "work.h"

namespace faultline::peers {
namespace {

constexpr uint32_t kCluster = 8;
constexpr uint32_t kHolderShare = 4;

struct Holder;

struct Member {
  uint64_t references;
  double stamp;
  // The first one is a member or null, the others are members or holders.
  void* reference[];

  Member* Older() const { return static_cast<Member*>(reference[0]); }
};

struct Holder {
  Member* newest;
};

class AllocationRate final : public Work {
 public:
  AllocationRate(const Parameters& parameters, uint32_t seed)
      : random_(seed),
        sizes_(parameters),
        density_(parameters.Number("pointerDensity")),
        mutations_(parameters.Count("mutationsPerOperation")),
        check_every_(parameters.Count("checkEvery")),
        survival_percent_(parameters.Count("survivalPercent")),
        numbers_(std::max<size_t>(
            1, static_cast<size_t>(parameters.Number("liveBytes") / (kCluster * parameters.Number("objectBytesMean"))))),
        holder_count_(static_cast<uint32_t>(numbers_.size())) {}

  void Build() override {
    holders_ = static_cast<Holder**>(AllocateBytes(holder_count_ * sizeof(Holder*)));
    for (uint32_t i = 0; i < holder_count_; ++i) holders_[i] = static_cast<Holder*>(AllocateBytes(sizeof(Holder)));
    for (uint32_t i = 0; i < holder_count_; ++i) MakeCluster(static_cast<int64_t>(i));
  }

  void Step(uint32_t index) override {
    const bool survives = random_.Below(100) < survival_percent_;
    MakeCluster(survives ? static_cast<int64_t>(random_.Below(holder_count_)) : -1);
    for (uint32_t i = 0; i < mutations_; ++i) {
      const uint32_t holder = random_.Below(holder_count_);
      Swing(holder, random_.Below(kCluster));
    }
    if (index % check_every_ == 0) CheckCluster(random_.Below(holder_count_));
  }

  void Verify() override {
    for (uint32_t i = 0; i < holder_count_; ++i) {
      CheckCluster(i);
      Add(numbers_[i]);
    }
  }

  void Corrupt() override {
    for (uint32_t i = 0; i < holder_count_; ++i) holders_[i]->newest->stamp = -1;
  }

 private:
  void MakeCluster(int64_t holder) {
    const uint32_t number = ++made_;
    for (uint32_t i = 0; i < kCluster; ++i) {
      const uint32_t words = sizes_.Pick(random_);
      const uint32_t references = SizeDistribution::ReferencesOf(words, density_);
      auto* const member = static_cast<Member*>(AllocateBytes(std::max(sizeof(Member) + references * sizeof(void*), words * size_t{8})));
      member->references = references;
      member->stamp = static_cast<double>(number) * kCluster + i;
      if (i > 0) member->reference[0] = members_[i - 1];
      members_[i] = member;
      for (uint32_t reference = 1; reference < references; ++reference) {
        if (random_.Below(kHolderShare) == 0) {
          member->reference[reference] = holders_[random_.Below(holder_count_)];
        } else {
          member->reference[reference] = members_[random_.Below(i + 1)];
        }
      }
    }
    Member* dead = members_[kCluster - 1];
    if (holder >= 0) {
      std::swap(holders_[holder]->newest, dead);
      numbers_[static_cast<size_t>(holder)] = number;
    }
    std::fill(std::begin(members_), std::end(members_), nullptr);
    FreeCluster(dead);
  }

  // Clusters refer to each other by holders only: nothing else refers to its members.
  static void FreeCluster(Member* member) {
    if constexpr (kCollected) return;
    while (member != nullptr) {
      Member* const older = member->Older();
      Free(member);
      member = older;
    }
  }

  void Swing(uint32_t holder, uint32_t steps) {
    Member* const newest = holders_[holder]->newest;
    Member* member = newest;
    for (uint32_t i = 0; i < steps; ++i) member = member->Older();
    if (member->references > 1) member->reference[1] = newest;
  }

  void CheckCluster(uint32_t holder) {
    double wanted = static_cast<double>(numbers_[holder]) * kCluster + kCluster - 1;
    uint64_t right = 0;
    for (const Member* member = holders_[holder]->newest; member != nullptr; member = member->Older()) {
      if (member->stamp == wanted) ++right;
      --wanted;
    }
    checks += kCluster;
    mismatches += kCluster - right;
  }

  Random random_;
  const SizeDistribution sizes_;
  const double density_;
  const uint32_t mutations_;
  const uint32_t check_every_;
  const uint32_t survival_percent_;
  // Of the cluster in each holder.
  std::vector<uint32_t> numbers_;
  const uint32_t holder_count_;
  Holder** holders_ = nullptr;
  Member* members_[kCluster] = {};
  uint32_t made_ = 0;
};

}  // namespace

Work* MakeAllocationRate(const Parameters& parameters, uint32_t seed) { return new AllocationRate(parameters, seed); }

}  // namespace faultline::peers
