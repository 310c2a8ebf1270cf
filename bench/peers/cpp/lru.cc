// A cache with a limit in bytes, least recently used out first, whose entries also expire: a hash table with chains and a ring in the
// order of use.  Time to live is counted in requests.  The logic is that of bench/workloads/lru.ts.
#include <vector>

#include "work.h"

namespace faultline::peers {
namespace {

constexpr uint32_t kEntryBytes = 48;

struct Value {
  uint32_t words;
  double word[];
};

struct Entry {
  Entry* chain;
  Entry* newer;
  Entry* older;
  Value* value;
  uint32_t key;
  uint32_t stamp;
  uint32_t expires;
};

double ValueWord(uint32_t key, uint32_t stamp, uint32_t index) { return Mixed(key * 0x9e3779b1u ^ (stamp + index)) >> 2; }

void Unlink(Entry* entry) {
  entry->newer->older = entry->older;
  entry->older->newer = entry->newer;
}

class Lru final : public Work {
 public:
  Lru(const Parameters& parameters, uint32_t seed)
      : random_(seed),
        keys_(parameters.Count("keys")),
        limit_bytes_(static_cast<uint64_t>(parameters.Number("limitBytes"))),
        least_words_(parameters.Count("valueBytesLeast") >> 3),
        more_words_((parameters.Count("valueBytesMost") >> 3) - least_words_ + 1),
        ttl_(parameters.Count("ttlRequests")),
        write_percent_(parameters.Count("writePercent")),
        stamps_(keys_) {}

  void Build() override {
    const double mean_bytes = (least_words_ + more_words_ / 2.0) * 8 + kEntryBytes;
    uint32_t buckets = 1;
    while (buckets < static_cast<double>(limit_bytes_) / mean_bytes) buckets *= 2;
    mask_ = buckets - 1;
    table_ = static_cast<Entry**>(AllocateBytes(buckets * sizeof(Entry*)));
    ends_ = static_cast<Entry*>(AllocateBytes(sizeof(Entry)));
    ends_->newer = ends_;
    ends_->older = ends_;
  }

  void Step(uint32_t) override {
    ++clock_;
    const uint32_t key = random_.Skewed(keys_);
    const bool is_write = random_.Below(100) < write_percent_;
    const uint32_t words = least_words_ + random_.Below(more_words_);
    Entry* const entry = Find(key);
    Check((entry != nullptr) == (stamps_[key] != 0));
    if (entry != nullptr) {
      CheckEntry(entry, key);
      if (!is_write && clock_ < entry->expires) {
        Unlink(entry);
        Link(entry);
        return;
      }
      Remove(key);
    }
    Insert(key, words);
  }

  void Verify() override {
    uint64_t found = 0;
    for (const Entry* entry = ends_->older; entry != ends_; entry = entry->older) {
      CheckEntry(entry, entry->key);
      found += entry->value->words * 8 + kEntryBytes;
      Add(entry->key);
      Add(entry->stamp);
    }
    Check(found == bytes_);
  }

  void Corrupt() override { ends_->older->value->word[0] = -1; }

  uint64_t LiveBytes() const override { return bytes_; }

 private:
  void CheckEntry(const Entry* entry, uint32_t key) {
    const uint32_t stamp = stamps_[key];
    const Value* const value = entry->value;
    const uint32_t words = value->words;
    Check(entry->stamp == stamp);
    Check(value->word[0] == ValueWord(key, stamp, 0));
    Check(value->word[words >> 1] == ValueWord(key, stamp, words >> 1));
    Check(value->word[words - 1] == ValueWord(key, stamp, words - 1));
  }

  void Insert(uint32_t key, uint32_t words) {
    const uint64_t size = words * 8 + kEntryBytes;
    while (bytes_ + size > limit_bytes_ && ends_->newer != ends_) Remove(ends_->newer->key);
    auto* const value = static_cast<Value*>(AllocateData(sizeof(Value) + words * sizeof(double)));
    value->words = words;
    for (uint32_t i = 0; i < words; ++i) value->word[i] = ValueWord(key, clock_, i);
    auto* const entry = static_cast<Entry*>(AllocateBytes(sizeof(Entry)));
    entry->value = value;
    entry->key = key;
    entry->stamp = clock_;
    entry->expires = clock_ + ttl_;
    Entry** const bucket = Bucket(key);
    entry->chain = *bucket;
    *bucket = entry;
    Link(entry);
    stamps_[key] = clock_;
    bytes_ += size;
  }

  void Remove(uint32_t key) {
    Entry** at = Bucket(key);
    while (*at != nullptr && (*at)->key != key) at = &(*at)->chain;
    Entry* const entry = *at;
    if (entry == nullptr) {
      Check(false);
      return;
    }
    *at = entry->chain;
    Unlink(entry);
    bytes_ -= entry->value->words * 8 + kEntryBytes;
    stamps_[key] = 0;
    Free(entry->value);
    Free(entry);
  }

  Entry* Find(uint32_t key) {
    Entry* entry = *Bucket(key);
    while (entry != nullptr && entry->key != key) entry = entry->chain;
    return entry;
  }

  Entry** Bucket(uint32_t key) { return &table_[Mixed(key) & mask_]; }

  // Makes an entry the newest.  The ring runs from `ends_` by `older` to the newest entry first, by `newer` to the oldest one.
  void Link(Entry* entry) {
    Entry* const newest = ends_->older;
    entry->older = newest;
    entry->newer = ends_;
    newest->newer = entry;
    ends_->older = entry;
  }

  Random random_;
  const uint32_t keys_;
  const uint64_t limit_bytes_;
  const uint32_t least_words_;
  const uint32_t more_words_;
  const uint32_t ttl_;
  const uint32_t write_percent_;
  std::vector<uint32_t> stamps_;
  Entry** table_ = nullptr;
  Entry* ends_ = nullptr;
  uint32_t mask_ = 0;
  uint32_t clock_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

Work* MakeLru(const Parameters& parameters, uint32_t seed) { return new Lru(parameters, seed); }

}  // namespace faultline::peers
