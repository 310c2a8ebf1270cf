// The store of lru on the heap; see bench/workloads/lru-stores.ts.
#pragma once

#include "bench/any_heap/lru.h"
#include "bench/native_mutator.h"

namespace faultline::bench {

template <typename Access>
class HeapStore {
 public:
  using Entry = WordIndex;

  explicit HeapStore(NativeMutator& mutator)
      : mutator_(mutator),
        table_(mutator.DefineArray("bench.table", 0, true)),
        entry_(mutator.DefineShape("bench.entry", 4, 12)),
        value_(mutator.DefineArray("bench.doubles", 0, false)) {}

  void Build(uint32_t buckets) {
    mask_ = buckets - 1;
    mutator_.root(kTable) = mutator_.Allocate(table_, buckets);
    const WordIndex ends = mutator_.Allocate(entry_);
    uint32_t* const slots = mutator_.slots(ends);
    slots[kNewer] = slots[kOlder] = ends;
    mutator_.root(kEnds) = ends;
  }

  Entry Find(uint32_t key) {
    WordIndex entry = Access::Load(mutator_, Bucket(key));
    while (entry != 0 && Key(entry) != key) entry = Load(entry, kChain);
    return entry;
  }

  uint32_t Key(Entry entry) { return mutator_.slots(entry)[kKey]; }
  uint32_t Stamp(Entry entry) { return mutator_.slots(entry)[kStamp]; }
  uint32_t Expires(Entry entry) { return mutator_.slots(entry)[kExpires]; }
  WordIndex ValueOf(Entry entry) { return Load(entry, kValue); }
  double* Words(WordIndex value) { return mutator_.doubles(value) + value_.fixed_words; }
  uint32_t Count(WordIndex value) { return mutator_.Count(value); }

  void Touch(Entry entry) {
    Unlink(entry);
    Link(entry);
  }

  void Insert(uint32_t key, uint32_t stamp, uint32_t expires, uint32_t words) {
    const WordIndex value = mutator_.Allocate(value_, words);
    mutator_.root(kNewValue) = value;
    double* const first = Words(value);
    for (uint32_t i = 0; i < words; ++i) first[i] = ValueWord(key, stamp, i);
    const WordIndex entry = mutator_.Allocate(entry_);
    uint32_t* const slots = mutator_.slots(entry);
    slots[kValue] = mutator_.root(kNewValue);
    mutator_.root(kNewValue) = 0;
    slots[kKey] = key;
    slots[kStamp] = stamp;
    slots[kExpires] = expires;
    uint32_t* const bucket = Bucket(key);
    slots[kChain] = Access::Load(mutator_, bucket);
    Access::Store(mutator_, bucket, entry);
    Link(entry);
  }

  int64_t Remove(uint32_t key) {
    uint32_t* slot = Bucket(key);
    for (WordIndex entry = Access::Load(mutator_, slot); entry != 0; entry = Access::Load(mutator_, slot)) {
      if (Key(entry) == key) {
        const uint32_t words = Count(ValueOf(entry));
        Access::Store(mutator_, slot, Load(entry, kChain));
        Unlink(entry);
        return words;
      }
      slot = &mutator_.slots(entry)[kChain];
    }
    return -1;
  }

  void ForEach(auto visit) {
    const WordIndex ends = mutator_.root(kEnds);
    for (WordIndex entry = Load(ends, kOlder); entry != ends; entry = Load(entry, kOlder)) visit(entry);
  }

  Entry Oldest() {
    const WordIndex ends = mutator_.root(kEnds);
    const WordIndex oldest = Load(ends, kNewer);
    return oldest == ends ? kNull : oldest;
  }

 private:
  static constexpr uint32_t kChain = 2;
  static constexpr uint32_t kNewer = 3;
  static constexpr uint32_t kOlder = 4;
  static constexpr uint32_t kValue = 5;
  static constexpr uint32_t kKey = 6;
  static constexpr uint32_t kStamp = 7;
  static constexpr uint32_t kExpires = 8;

  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kEnds = 1;
  static constexpr uint32_t kNewValue = 2;

  WordIndex Load(WordIndex object, uint32_t slot) { return Access::Load(mutator_, &mutator_.slots(object)[slot]); }
  void Store(WordIndex object, uint32_t slot, WordIndex reference) { Access::Store(mutator_, &mutator_.slots(object)[slot], reference); }
  uint32_t* Bucket(uint32_t key) { return &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + (Mixed(key) & mask_)]; }

  // The ring runs from `ends` by kOlder to the newest entry first, by kNewer to the oldest one.
  void Link(WordIndex entry) {
    const WordIndex ends = mutator_.root(kEnds);
    const WordIndex newest = Load(ends, kOlder);
    Store(entry, kOlder, newest);
    Store(entry, kNewer, ends);
    Store(newest, kNewer, entry);
    Store(ends, kOlder, entry);
  }

  void Unlink(WordIndex entry) {
    const WordIndex newer = Load(entry, kNewer);
    const WordIndex older = Load(entry, kOlder);
    Store(newer, kOlder, older);
    Store(older, kNewer, newer);
  }

  NativeMutator& mutator_;
  const BenchShape table_;
  const BenchShape entry_;
  const BenchShape value_;
  uint32_t mask_ = 0;
};

}  // namespace faultline::bench
