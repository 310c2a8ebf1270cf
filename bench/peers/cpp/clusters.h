// The clusters of allocation-rate.  A reference takes 8 bytes here and 4 in Faultline, so members with little beside their references are
// larger than there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "any_heap/allocation_rate.h"
#include "memory.h"

namespace faultline::peers {

class Clusters {
 public:
  void Build(uint32_t holders) {
    holders_ = static_cast<Holder**>(AllocateBytes(holders * sizeof(Holder*)));
    for (uint32_t i = 0; i < holders; ++i) holders_[i] = static_cast<Holder*>(AllocateBytes(sizeof(Holder)));
  }

  void Make(uint32_t member, uint32_t words, uint32_t references, double stamp) {
    const size_t bytes = std::max(sizeof(Member) + references * sizeof(void*), words * size_t{8});
    made_ = static_cast<Member*>(AllocateBytes(bytes));
    made_->references = references;
    made_->stamp = stamp;
    if (member > 0) made_->reference[0] = members_[member - 1];
    members_[member] = made_;
  }

  void LinkMember(uint32_t reference, uint32_t to) { made_->reference[reference] = members_[to]; }
  void LinkHolder(uint32_t reference, uint32_t holder) { made_->reference[reference] = holders_[holder]; }

  void Put(int32_t holder) {
    Member* dead = members_[bench::kCluster - 1];
    if (holder >= 0) std::swap(holders_[holder]->newest, dead);
    std::fill(std::begin(members_), std::end(members_), nullptr);
    made_ = nullptr;
    FreeCluster(dead);
  }

  void Swing(uint32_t holder, uint32_t steps) {
    Member* const newest = holders_[holder]->newest;
    Member* member = newest;
    for (uint32_t i = 0; i < steps; ++i) member = member->Older();
    if (member->references > 1) member->reference[1] = newest;
  }

  uint32_t Count(uint32_t holder, double stamp) {
    uint32_t right = 0;
    for (const Member* member = holders_[holder]->newest; member != nullptr; member = member->Older()) {
      if (member->stamp == stamp) ++right;
      --stamp;
    }
    return right;
  }

  void Spoil(uint32_t holder) { holders_[holder]->newest->stamp = -1; }

 private:
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

  // Clusters refer to each other by holders only: nothing else refers to its members.
  static void FreeCluster(Member* member) {
    if constexpr (kCollected) return;
    while (member != nullptr) {
      Member* const older = member->Older();
      Free(member);
      member = older;
    }
  }

  Holder** holders_ = nullptr;
  // Of the cluster that is being made.
  Member* members_[bench::kCluster] = {};
  Member* made_ = nullptr;
};

}  // namespace faultline::peers
