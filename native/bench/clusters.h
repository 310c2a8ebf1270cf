// The clusters of allocation-rate on the heap; see bench/workloads/clusters.ts.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bench/any_heap/allocation_rate.h"
#include "bench/native_mutator.h"

namespace faultline::bench {

template <typename Access>
class HeapClusters {
 public:
  explicit HeapClusters(NativeMutator& mutator)
      : mutator_(mutator), table_(mutator.DefineArray("bench.table", 0, true)), holder_(mutator.DefineShape("bench.holder", 1, 0)) {
    for (uint32_t references = 1; references <= kMostReferences; ++references) {
      shapes_[references] = mutator.DefineArray(("bench.member-" + std::to_string(references)).c_str(), references, false);
      references_of_.resize(std::max<size_t>(references_of_.size(), shapes_[references].id + 1));
      references_of_[shapes_[references].id] = references;
    }
  }

  void Build(uint32_t holders) {
    mutator_.root(kTable) = mutator_.Allocate(table_, holders);
    for (uint32_t i = 0; i < holders; ++i) {
      const WordIndex holder = mutator_.Allocate(holder_);
      Access::Store(mutator_, HolderSlot(i), holder);
    }
  }

  void Make(uint32_t member, uint32_t words, uint32_t references, double stamp) {
    const BenchShape& shape = shapes_[references];
    const WordIndex object = mutator_.Allocate(shape, words - shape.fixed_words);
    mutator_.root(kFirstMember + member) = object;
    mutator_.doubles(object)[shape.fixed_words] = stamp;
    references_ = &mutator_.slots(object)[kFirstReference];
    if (member > 0) references_[0] = mutator_.root(kFirstMember + member - 1);
  }

  void LinkMember(uint32_t reference, uint32_t to) { references_[reference] = mutator_.root(kFirstMember + to); }
  void LinkHolder(uint32_t reference, uint32_t holder) { references_[reference] = Access::Load(mutator_, HolderSlot(holder)); }

  void Put(int32_t holder) {
    if (holder >= 0) {
      Access::Store(mutator_, NewestSlot(static_cast<uint32_t>(holder)), mutator_.root(kFirstMember + kCluster - 1));
    }
    for (uint32_t member = 0; member < kCluster; ++member) mutator_.root(kFirstMember + member) = 0;
  }

  void Swing(uint32_t holder, uint32_t steps) {
    const WordIndex newest = Newest(holder);
    WordIndex object = newest;
    for (uint32_t i = 0; i < steps; ++i) object = Older(object);
    if (ReferencesOf(object) > 1) Access::Store(mutator_, &mutator_.slots(object)[kFirstReference + 1], newest);
  }

  uint32_t Count(uint32_t holder, double stamp) {
    uint32_t right = 0;
    for (WordIndex object = Newest(holder); object != 0; object = Older(object)) {
      if (*Stamp(object) == stamp) ++right;
      stamp -= 1;
    }
    return right;
  }

  void Spoil(uint32_t holder) { *Stamp(Newest(holder)) = -1; }

 private:
  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kFirstMember = 1;
  static constexpr uint32_t kFirstReference = kHeaderSlots;

  uint32_t* HolderSlot(uint32_t holder) { return &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + holder]; }
  uint32_t* NewestSlot(uint32_t holder) { return &mutator_.slots(Access::Load(mutator_, HolderSlot(holder)))[kFirstReference]; }
  WordIndex Newest(uint32_t holder) { return Access::Load(mutator_, NewestSlot(holder)); }
  WordIndex Older(WordIndex object) { return Access::Load(mutator_, &mutator_.slots(object)[kFirstReference]); }
  uint32_t ReferencesOf(WordIndex object) { return references_of_[mutator_.slots(object)[0]]; }
  double* Stamp(WordIndex object) { return mutator_.doubles(object) + 1 + (ReferencesOf(object) + 1) / 2; }

  NativeMutator& mutator_;
  const BenchShape table_;
  const BenchShape holder_;
  BenchShape shapes_[kMostReferences + 1];
  std::vector<uint32_t> references_of_;  // By shape id.
  uint32_t* references_ = nullptr;       // Of the member made last, until the next safepoint.
};

}  // namespace faultline::bench
