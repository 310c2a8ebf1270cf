// lru; see bench/workloads/lru.ts.  It is compiled with a store: a hash table with chains, and a ring in the order of use.  `Entry` is
// null where there is none; only `Build` and `Insert` are safepoints, and an entry is good until the next one:
//
//   void Build(buckets)
//   Entry Find(key)
//   uint32_t Key(Entry), Stamp(Entry), Expires(Entry)
//   Value ValueOf(Entry), double* Words(Value), uint32_t Count(Value)
//   void Touch(Entry)                                makes it the newest
//   void Insert(key, stamp, expires, words)          the newest; word i of its value is ValueWord(key, stamp, i)
//   int64_t Remove(key)                              the words that its value had; -1: there is no such entry
//   void ForEach(visit)                              from the newest entry on
//   Entry Oldest()
#pragma once

#include <vector>

#include "work.h"

namespace faultline::bench {

// Number `index` of the value that was put in for the key at that stamp.
inline uint32_t ValueWord(uint32_t key, uint32_t stamp, uint32_t index) { return Mixed(key * 0x9e3779b1u ^ (stamp + index)) >> 2; }

template <typename Store>
class Lru final : public Work {
 public:
  Lru(const auto& parameters, uint32_t seed, Store store)
      : store_(store),
        random_(seed),
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
    store_.Build(buckets);
  }

  void Step(uint32_t) override {
    ++clock_;
    const uint32_t key = random_.Skewed(keys_);
    const bool is_write = random_.Below(100) < write_percent_;
    const uint32_t words = least_words_ + random_.Below(more_words_);
    const Entry entry = store_.Find(key);
    Check((entry != Entry{}) == (stamps_[key] != 0));
    if (entry != Entry{}) {
      CheckEntry(entry, key);
      if (!is_write && clock_ < store_.Expires(entry)) {
        store_.Touch(entry);
        return;
      }
      Remove(key);
    }
    Insert(key, words);
  }

  void Verify() override {
    double bytes = 0;
    store_.ForEach([&](Entry entry) {
      const uint32_t key = store_.Key(entry);
      CheckEntry(entry, key);
      bytes += store_.Count(store_.ValueOf(entry)) * 8 + kEntryBytes;
      Add(key);
      Add(store_.Stamp(entry));
    });
    Check(bytes == bytes_);
  }

  void Corrupt() override {
    store_.ForEach([&](Entry entry) { store_.Words(store_.ValueOf(entry))[0] = -1; });
  }

  double LiveBytes() const override { return bytes_; }

 private:
  using Entry = typename Store::Entry;

  static constexpr uint32_t kEntryBytes = 48;

  void CheckEntry(Entry entry, uint32_t key) {
    const uint32_t stamp = stamps_[key];
    const auto value = store_.ValueOf(entry);
    const uint32_t count = store_.Count(value);
    const double* const words = store_.Words(value);
    Check(store_.Stamp(entry) == stamp);
    Check(words[0] == ValueWord(key, stamp, 0));
    Check(words[count >> 1] == ValueWord(key, stamp, count >> 1));
    Check(words[count - 1] == ValueWord(key, stamp, count - 1));
  }

  void Insert(uint32_t key, uint32_t words) {
    const uint32_t bytes = words * 8 + kEntryBytes;
    while (bytes_ + bytes > limit_bytes_) {
      const Entry oldest = store_.Oldest();
      if (oldest == Entry{}) break;
      Remove(store_.Key(oldest));
    }
    store_.Insert(key, clock_, clock_ + ttl_, words);
    stamps_[key] = clock_;
    bytes_ += bytes;
  }

  void Remove(uint32_t key) {
    const int64_t words = store_.Remove(key);
    if (words < 0) {
      Check(false);
      return;
    }
    bytes_ -= static_cast<double>(words) * 8 + kEntryBytes;
    stamps_[key] = 0;
  }

  Store store_;
  Random random_;
  const uint32_t keys_;
  const double limit_bytes_;
  const uint32_t least_words_;
  const uint32_t more_words_;
  const uint32_t ttl_;
  const uint32_t write_percent_;
  std::vector<uint32_t> stamps_;
  double bytes_ = 0;
  uint32_t clock_ = 0;
};

}  // namespace faultline::bench
