// Ephemeron table: ephemerons whose keys are not marked yet, by key.
//
// A thread that marks an object looks here for ephemerons that wait for it, so each ephemeron is examined when it is found and once more
// when its key is marked: tracing takes time proportional to their number, in whatever order it meets a chain of them (V8 does the same,
// but only after some rounds over all waiting ephemerons; Hayes, "Ephemerons: a new finalization mechanism", OOPSLA 1997, leaves the search
// open).
//
//   adding         entry in the table, bit in the filter (seq_cst)  ─▶  test the key's mark (seq_cst)
//   marking        set the mark (seq_cst)                           ─▶  test the filter (seq_cst), then search the table
//
// At least one of the two threads sees the other; if both do, a value is followed twice, which changes nothing.  The filter is what marking
// an object costs while ephemerons wait: one bit, in memory that stays in the cache.
//
// Each lock guards 1/64 of the keys and is held for a few steps by tracing threads; no mutator takes one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "gc/marking/weak_finds.h"
#include "heap/keyed_hash.h"
#include "os/lock.h"

namespace faultline {

class EphemeronTable {
 public:
  explicit EphemeronTable(HashKey key);

  // Afterwards the caller tests the key's mark once more.
  void Add(WordIndex key, Ephemeron ephemeron);
  // Whether ephemerons may wait for the object, which the caller has just marked.
  bool MayHave(WordIndex key) const {
    return active_.load(std::memory_order_seq_cst) && (FilterCell(key).load(std::memory_order_seq_cst) & FilterBit(key)) != 0;
  }
  // Removes the ephemerons that wait for the key and appends them to `ephemerons`.
  void Take(WordIndex key, std::vector<Ephemeron>* ephemerons);

  // Removes and returns all waiting ephemerons, in pieces.  No thread traces.
  std::vector<std::vector<Ephemeron>> TakeAll();

 private:
  static constexpr uint32_t kShardsLog2 = 6;
  static constexpr uint32_t kFilterBitsLog2 = 20;
  static constexpr uint32_t kNone = ~0u;

  // Chains from buckets through entries.  `keys` and `next` belong to the ephemerons of the same index; key 0: a free entry.
  struct alignas(64) Shard {
    Lock lock;
    std::vector<uint32_t> buckets;  // A power of two.
    std::vector<WordIndex> keys;
    std::vector<uint32_t> next;
    std::vector<Ephemeron> ephemerons;
    uint32_t free = kNone;
  };

  // Not the keyed hash: a bit shared by several keys costs one search of the table and no more.
  static uint32_t FilterIndex(WordIndex key) { return (key * 0x9e3779b1u) >> (32 - kFilterBitsLog2); }
  static uint64_t FilterBit(WordIndex key) { return uint64_t{1} << (FilterIndex(key) & 63); }
  std::atomic<uint64_t>& FilterCell(WordIndex key) const { return filter_[FilterIndex(key) >> 6]; }
  static void Grow(Shard& shard, HashKey key);

  const HashKey key_;
  std::atomic<bool> active_{false};
  std::unique_ptr<std::atomic<uint64_t>[]> filter_;
  Shard shards_[1u << kShardsLog2];
};

}  // namespace faultline
