#include "gc/marking/ephemeron_table.h"

namespace faultline {

namespace {

constexpr uint32_t kLeastBuckets = 16;

}  // namespace

EphemeronTable::EphemeronTable(HashKey key)
    : key_(key), filter_(std::make_unique<std::atomic<uint64_t>[]>((size_t{1} << kFilterBitsLog2) / 64)) {}

void EphemeronTable::Add(WordIndex key, Ephemeron ephemeron) {
  const uint32_t hash = HashOfWord(key_, key);
  Shard& shard = shards_[hash >> (32 - kShardsLog2)];
  {
    const LockGuard guard(shard.lock);
    uint32_t entry = shard.free;
    if (entry != kNone) {
      shard.free = shard.next[entry];
      shard.keys[entry] = key;
      shard.ephemerons[entry] = ephemeron;
    } else {
      if (shard.keys.size() >= shard.buckets.size()) Grow(shard, key_);
      entry = static_cast<uint32_t>(shard.keys.size());
      shard.keys.push_back(key);
      shard.next.push_back(kNone);
      shard.ephemerons.push_back(ephemeron);
    }
    uint32_t& bucket = shard.buckets[hash & (shard.buckets.size() - 1)];
    shard.next[entry] = bucket;
    bucket = entry;
  }
  FilterCell(key).fetch_or(FilterBit(key), std::memory_order_seq_cst);
  active_.store(true, std::memory_order_seq_cst);
}

void EphemeronTable::Grow(Shard& shard, HashKey key) {
  shard.buckets.assign(shard.buckets.empty() ? kLeastBuckets : shard.buckets.size() * 2, kNone);
  for (uint32_t entry = 0; entry < shard.keys.size(); ++entry) {
    uint32_t& bucket = shard.buckets[HashOfWord(key, shard.keys[entry]) & (shard.buckets.size() - 1)];
    shard.next[entry] = bucket;
    bucket = entry;
  }
}

void EphemeronTable::Take(WordIndex key, std::vector<Ephemeron>* ephemerons) {
  const uint32_t hash = HashOfWord(key_, key);
  Shard& shard = shards_[hash >> (32 - kShardsLog2)];
  const LockGuard guard(shard.lock);
  if (shard.buckets.empty()) return;
  for (uint32_t* link = &shard.buckets[hash & (shard.buckets.size() - 1)]; *link != kNone;) {
    const uint32_t entry = *link;
    if (shard.keys[entry] != key) {
      link = &shard.next[entry];
      continue;
    }
    ephemerons->push_back(shard.ephemerons[entry]);
    *link = shard.next[entry];
    shard.keys[entry] = kNull;
    shard.ephemerons[entry] = {};
    shard.next[entry] = shard.free;
    shard.free = entry;
  }
}

std::vector<std::vector<Ephemeron>> EphemeronTable::TakeAll() {
  std::vector<std::vector<Ephemeron>> all;
  if (!active_.load(std::memory_order_relaxed)) return all;
  for (Shard& shard : shards_) {
    if (!shard.ephemerons.empty()) all.push_back(std::move(shard.ephemerons));
    shard.ephemerons.clear();
    shard.keys.clear();
    shard.next.clear();
    shard.buckets.clear();
    shard.free = kNone;
  }
  for (size_t cell = 0; cell < (size_t{1} << kFilterBitsLog2) / 64; ++cell) filter_[cell].store(0, std::memory_order_relaxed);
  active_.store(false, std::memory_order_relaxed);
  return all;
}

}  // namespace faultline
