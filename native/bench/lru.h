// lru; see bench/workloads/lru.ts and lru-stores.ts.
#pragma once

#include <vector>

#include "bench/work.h"

namespace faultline::bench {

// Number `index` of the value that was put in for the key at that stamp.
inline uint32_t ValueWord(uint32_t key, uint32_t stamp, uint32_t index) {
  return Mixed(key * 0x9e3779b1u ^ (stamp + index)) >> 2;
}

template <typename Access>
class Lru final : public Work {
 public:
  Lru(NativeMutator& mutator, const Parameters& parameters, uint32_t seed)
      : mutator_(mutator),
        random_(seed),
        table_(mutator.DefineArray("bench.table", 0, true)),
        entry_(mutator.DefineShape("bench.entry", 4, 12)),
        value_(mutator.DefineArray("bench.doubles", 0, false)),
        keys_(parameters.Count("keys")),
        limit_bytes_(parameters.Number("limitBytes")),
        least_words_(parameters.Count("valueBytesLeast") >> 3),
        more_words_((parameters.Count("valueBytesMost") >> 3) - least_words_ + 1),
        ttl_(parameters.Count("ttlRequests")),
        write_percent_(parameters.Count("writePercent")),
        stamps_(keys_, 0) {}

  void Build() override {
    const double mean_bytes = (least_words_ + more_words_ / 2.0) * 8 + kEntryBytes;
    uint32_t buckets = 1;
    while (buckets < limit_bytes_ / mean_bytes) buckets *= 2;
    mask_ = buckets - 1;
    mutator_.root(kTable) = mutator_.Allocate(table_, buckets);
    const WordIndex ends = mutator_.Allocate(entry_);
    uint32_t* const slots = mutator_.slots(ends);
    slots[kKey] = kNoKey;
    slots[kNewer] = slots[kOlder] = ends;
    mutator_.root(kEnds) = ends;
  }

  void Step(uint32_t) override {
    ++clock_;
    const uint32_t key = random_.Skewed(keys_);
    const bool is_write = random_.Below(100) < write_percent_;
    const uint32_t words = least_words_ + random_.Below(more_words_);
    const WordIndex entry = Find(key);
    Check((entry != 0) == (stamps_[key] != 0));
    if (entry != 0) {
      CheckEntry(entry, key);
      if (!is_write && clock_ < mutator_.slots(entry)[kExpires]) {
        Unlink(entry);
        Link(entry);
        return;
      }
      Remove(key);
    }
    Insert(key, words);
  }

  void Verify() override {
    double bytes = 0;
    const WordIndex ends = mutator_.root(kEnds);
    for (WordIndex entry = Load(ends, kOlder); entry != ends; entry = Load(entry, kOlder)) {
      const uint32_t key = mutator_.slots(entry)[kKey];
      CheckEntry(entry, key);
      bytes += WordsOf(entry) * 8 + kEntryBytes;
      Add(key);
      Add(mutator_.slots(entry)[kStamp]);
    }
    Check(bytes == bytes_);
  }

  void Corrupt() override {
    const WordIndex ends = mutator_.root(kEnds);
    for (WordIndex entry = Load(ends, kOlder); entry != ends; entry = Load(entry, kOlder)) {
      mutator_.doubles(Load(entry, kValue))[value_.fixed_words] = -1;
    }
  }

  double LiveBytes() const override { return bytes_; }

 private:
  static constexpr uint32_t kChain = 2;
  static constexpr uint32_t kNewer = 3;
  static constexpr uint32_t kOlder = 4;
  static constexpr uint32_t kValue = 5;
  static constexpr uint32_t kKey = 6;
  static constexpr uint32_t kStamp = 7;
  static constexpr uint32_t kExpires = 8;
  static constexpr uint32_t kNoKey = 0xffffffff;
  static constexpr uint32_t kEntryBytes = 48;

  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kEnds = 1;
  static constexpr uint32_t kNewValue = 2;

  WordIndex Load(WordIndex object, uint32_t slot) { return Access::Load(mutator_, &mutator_.slots(object)[slot]); }
  void Store(WordIndex object, uint32_t slot, WordIndex reference) {
    Access::Store(mutator_, &mutator_.slots(object)[slot], reference);
  }
  uint32_t* Bucket(uint32_t key) { return &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + (Mixed(key) & mask_)]; }
  uint32_t WordsOf(WordIndex entry) { return mutator_.Count(Load(entry, kValue)); }

  WordIndex Find(uint32_t key) {
    WordIndex entry = Access::Load(mutator_, Bucket(key));
    while (entry != 0 && mutator_.slots(entry)[kKey] != key) entry = Load(entry, kChain);
    return entry;
  }

  void CheckEntry(WordIndex entry, uint32_t key) {
    const uint32_t stamp = stamps_[key];
    const WordIndex value = Load(entry, kValue);
    const uint32_t words = mutator_.Count(value);
    const double* const first = mutator_.doubles(value) + value_.fixed_words;
    Check(mutator_.slots(entry)[kStamp] == stamp);
    Check(first[0] == ValueWord(key, stamp, 0));
    Check(first[words >> 1] == ValueWord(key, stamp, words >> 1));
    Check(first[words - 1] == ValueWord(key, stamp, words - 1));
  }

  void Insert(uint32_t key, uint32_t words) {
    const uint32_t bytes = words * 8 + kEntryBytes;
    while (bytes_ + bytes > limit_bytes_) {
      const uint32_t oldest = mutator_.slots(Load(mutator_.root(kEnds), kNewer))[kKey];
      if (oldest == kNoKey) break;
      Remove(oldest);
    }
    const WordIndex value = mutator_.Allocate(value_, words);
    mutator_.root(kNewValue) = value;
    double* const first = mutator_.doubles(value) + value_.fixed_words;
    for (uint32_t i = 0; i < words; ++i) first[i] = ValueWord(key, clock_, i);
    const WordIndex entry = mutator_.Allocate(entry_);
    uint32_t* const slots = mutator_.slots(entry);
    slots[kValue] = mutator_.root(kNewValue);
    mutator_.root(kNewValue) = 0;
    slots[kKey] = key;
    slots[kStamp] = clock_;
    slots[kExpires] = clock_ + ttl_;
    uint32_t* const bucket = Bucket(key);
    slots[kChain] = Access::Load(mutator_, bucket);
    Access::Store(mutator_, bucket, entry);
    Link(entry);
    stamps_[key] = clock_;
    bytes_ += bytes;
  }

  void Remove(uint32_t key) {
    uint32_t* slot = Bucket(key);
    for (WordIndex entry = Access::Load(mutator_, slot); entry != 0; entry = Access::Load(mutator_, slot)) {
      if (mutator_.slots(entry)[kKey] == key) {
        bytes_ -= WordsOf(entry) * 8 + kEntryBytes;
        stamps_[key] = 0;
        Access::Store(mutator_, slot, Load(entry, kChain));
        Unlink(entry);
        return;
      }
      slot = &mutator_.slots(entry)[kChain];
    }
    Check(false);
  }

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
  Random random_;
  const BenchShape table_;
  const BenchShape entry_;
  const BenchShape value_;
  const uint32_t keys_;
  const double limit_bytes_;
  const uint32_t least_words_;
  const uint32_t more_words_;
  const uint32_t ttl_;
  const uint32_t write_percent_;
  std::vector<uint32_t> stamps_;
  uint32_t mask_ = 0;
  double bytes_ = 0;
  uint32_t clock_ = 0;
};

}  // namespace faultline::bench
