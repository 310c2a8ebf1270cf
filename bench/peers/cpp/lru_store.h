// The store of lru: a hash table with chains, and a ring in the order of use.
#pragma once

#include <cstdint>

#include "any_heap/lru.h"
#include "memory.h"

namespace faultline::peers {

class LruStore {
 public:
  struct Value {
    uint32_t count;
    double words[];
  };

  struct Node {
    Node* chain;
    Node* newer;
    Node* older;
    Value* value;
    uint32_t key;
    uint32_t stamp;
    uint32_t expires;
  };

  using Entry = Node*;

  void Build(uint32_t buckets) {
    mask_ = buckets - 1;
    table_ = static_cast<Node**>(AllocateBytes(buckets * sizeof(Node*)));
    ends_ = static_cast<Node*>(AllocateBytes(sizeof(Node)));
    ends_->newer = ends_;
    ends_->older = ends_;
  }

  Entry Find(uint32_t key) {
    Node* entry = *Bucket(key);
    while (entry != nullptr && entry->key != key) entry = entry->chain;
    return entry;
  }

  uint32_t Key(Entry entry) { return entry->key; }
  uint32_t Stamp(Entry entry) { return entry->stamp; }
  uint32_t Expires(Entry entry) { return entry->expires; }
  Value* ValueOf(Entry entry) { return entry->value; }
  double* Words(Value* value) { return value->words; }
  uint32_t Count(const Value* value) { return value->count; }

  void Touch(Entry entry) {
    Unlink(entry);
    Link(entry);
  }

  void Insert(uint32_t key, uint32_t stamp, uint32_t expires, uint32_t words) {
    auto* const value = static_cast<Value*>(AllocateData(sizeof(Value) + words * sizeof(double)));
    value->count = words;
    for (uint32_t i = 0; i < words; ++i) value->words[i] = bench::ValueWord(key, stamp, i);
    auto* const entry = static_cast<Node*>(AllocateBytes(sizeof(Node)));
    entry->value = value;
    entry->key = key;
    entry->stamp = stamp;
    entry->expires = expires;
    Node** const bucket = Bucket(key);
    entry->chain = *bucket;
    *bucket = entry;
    Link(entry);
  }

  int64_t Remove(uint32_t key) {
    Node** at = Bucket(key);
    while (*at != nullptr && (*at)->key != key) at = &(*at)->chain;
    Node* const entry = *at;
    if (entry == nullptr) return -1;
    const uint32_t words = entry->value->count;
    *at = entry->chain;
    Unlink(entry);
    Free(entry->value);
    Free(entry);
    return words;
  }

  void ForEach(auto visit) {
    for (Node* entry = ends_->older; entry != ends_; entry = entry->older) visit(entry);
  }

  Entry Oldest() { return ends_->newer == ends_ ? nullptr : ends_->newer; }

 private:
  Node** Bucket(uint32_t key) { return &table_[bench::Mixed(key) & mask_]; }

  // The ring runs from `ends_` by `older` to the newest entry first, by `newer` to the oldest one.
  void Link(Node* entry) {
    Node* const newest = ends_->older;
    entry->older = newest;
    entry->newer = ends_;
    newest->newer = entry;
    ends_->older = entry;
  }

  static void Unlink(Node* entry) {
    entry->newer->older = entry->older;
    entry->older->newer = entry->newer;
  }

  Node** table_ = nullptr;
  Node* ends_ = nullptr;
  uint32_t mask_ = 0;
};

}  // namespace faultline::peers
