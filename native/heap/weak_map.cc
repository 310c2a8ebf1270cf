#include "heap/weak_map.h"

#include <algorithm>

#include "heap/identity_hash.h"
#include "heap/spin_lock.h"
#include "heap/weak_access.h"

namespace faultline {

namespace {

constexpr uint32_t kNowhere = ~0u;

// The map while its lock is held.
class LockedMap {
 public:
  LockedMap(Heap& heap, Mutator& mutator, WordIndex map)
      : heap_(heap),
        mutator_(mutator),
        map_(heap.MutatorSlotsOf(map)),
        locked_(TrySpinLock(&map_[WeakMapSlots::kLock])),
        table_(locked_ ? map_[WeakMapSlots::kTable] : 0) {
    if (table_ != 0) Look(table_);
  }
  ~LockedMap() {
    if (locked_) __atomic_store_n(&map_[WeakMapSlots::kLock], 0, __ATOMIC_RELEASE);  // Partner: TrySpinLock.
  }
  LockedMap(const LockedMap&) = delete;
  LockedMap& operator=(const LockedMap&) = delete;

  bool locked() const { return locked_; }
  uint32_t* value(uint32_t index) { return &pairs_[2 * uint64_t{index} + 1]; }
  bool has_room() const { return uint64_t{map_[WeakMapSlots::kUsed]} * 4 < uint64_t{count_} * 3; }

  uint32_t Find(WordIndex key, uint32_t hash) const {
    return Probe(hash, [&](WordIndex found) { return found == key; });
  }

  // The map does not have the key.
  bool Insert(WordIndex key, uint32_t hash, uint32_t value) {
    const uint32_t at = Probe(hash, [&](WordIndex found) { return found == 0 || found == table_; });
    if (at == kNowhere) return false;
    // A free place stays free: the collector only turns entries into removed ones.
    const bool was_free = KeyAt(at) == 0;
    if (was_free && !has_room()) return false;
    if (was_free) ++map_[WeakMapSlots::kUsed];
    Put(at, key, value);
    return true;
  }

  void Overwrite(uint32_t index, uint32_t value) {
    Log(*this->value(index));
    __atomic_store_n(this->value(index), value, __ATOMIC_RELAXED);
  }

  void Remove(uint32_t index) {
    Overwrite(index, 0);
    __atomic_store_n(&pairs_[2 * uint64_t{index}], table_, __ATOMIC_RELEASE);
  }

  // Room for twice the live entries.
  uint32_t WantedPairs() const {
    uint64_t entries = 0;
    for (uint32_t i = 0; i < count_; ++i) entries += KeyAt(i) != 0 && KeyAt(i) != table_;
    uint64_t wanted = kLeastWeakMapPairs;
    while (wanted < entries * 2 + 1) wanted *= 2;
    return static_cast<uint32_t>(wanted);
  }

  void MoveTo(WordIndex table) {
    const uint32_t old_count = count_;
    uint32_t* const old_pairs = pairs_;
    const WordIndex old_table = table_;
    Look(table);
    uint32_t used = 0;
    for (uint32_t i = 0; i < old_count; ++i) {
      uint32_t* const pair = &old_pairs[2 * uint64_t{i}];
      // Read the key once: an entry whose key has died may become a removed one at any moment.
      const WordIndex key = ReadWeak(heap_, mutator_, &pair[0]);
      if (key == 0 || key == old_table) continue;
      Put(End(WeakMapHash(heap_, key)), key, pair[1]);
      ++used;
    }
    // The old table leads to values that marking may not have seen yet.
    Log(old_table);
    map_[WeakMapSlots::kUsed] = used;
    __atomic_store_n(&map_[WeakMapSlots::kTable], table, __ATOMIC_RELEASE);
    table_ = table;
  }

  uint32_t PairsOf(WordIndex table) { return heap_.MutatorHeaderOf(table).count; }

 private:
  // Linear probing from the hash on: the first place whose key `matches`, or kNowhere if a free place comes first.
  template <typename Matches>
  uint32_t Probe(uint32_t hash, const Matches& matches) const {
    for (uint32_t i = 0; i < count_; ++i) {
      const uint32_t at = (hash + i) & (count_ - 1);
      const WordIndex found = KeyAt(at);
      if (matches(found)) return at;
      if (found == 0) return kNowhere;
    }
    return kNowhere;
  }
  // The first free place from the hash on; there is one.
  uint32_t End(uint32_t hash) const {
    return Probe(hash, [](WordIndex found) { return found == 0; });
  }
  WordIndex KeyAt(uint32_t index) const { return WordIndex(__atomic_load_n(&pairs_[2 * uint64_t{index}], __ATOMIC_ACQUIRE)); }

  void Look(WordIndex table) {
    table_ = table;
    count_ = heap_.MutatorHeaderOf(table).count;
    pairs_ = heap_.MutatorSlotsOf(table) + kHeaderSlots;
  }

  void Put(uint32_t index, WordIndex key, uint32_t value) {
    __atomic_store_n(&pairs_[2 * uint64_t{index} + 1], value, __ATOMIC_RELAXED);
    __atomic_store_n(&pairs_[2 * uint64_t{index}], key, __ATOMIC_RELEASE);
  }

  void Log(uint32_t overwritten) {
    if (mutator_.control[control::kLogging] != 0) LogReference(heap_, mutator_, overwritten);
  }

  Heap& heap_;
  Mutator& mutator_;
  uint32_t* const map_;
  const bool locked_;
  WordIndex table_;
  uint32_t count_ = 0;
  uint32_t* pairs_ = nullptr;
};

// `then` runs while the map is locked; it gets the key's hash, and where the key is (or kNowhere).
template <typename Then>
WeakMapAnswer WithKey(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key, Then then) {
  if (!heap.IsObject(key)) return WeakMapAnswer::kNotAnObject;
  const uint32_t hash = WeakMapHash(heap, key);
  if (hash == 0) return WeakMapAnswer::kNoIdentity;
  LockedMap locked(heap, mutator, map);
  if (!locked.locked()) return WeakMapAnswer::kContended;
  return then(locked, hash, locked.Find(key, hash));
}

}  // namespace

uint32_t WeakMapHash(Heap& heap, WordIndex key) {
  const uint32_t identity = IdentityHash(heap, key);
  return identity == 0 ? 0 : HashOfWord(heap.hash_key, identity) | 1u << 31;
}

WeakMapAnswer WeakMapGet(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key, uint32_t* value) {
  return WithKey(heap, mutator, map, key, [&](LockedMap& locked, uint32_t /*hash*/, uint32_t at) {
    if (at == kNowhere) return WeakMapAnswer::kAbsent;
    *value = *locked.value(at);
    return WeakMapAnswer::kDone;
  });
}

WeakMapAnswer WeakMapSet(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key, uint32_t value, uint32_t* wanted) {
  if (IsReference(value) && !heap.IsObject(WordIndex(value))) return WeakMapAnswer::kNotAnObject;
  return WithKey(heap, mutator, map, key, [&](LockedMap& locked, uint32_t hash, uint32_t at) {
    if (at != kNowhere) {
      locked.Overwrite(at, value);
      return WeakMapAnswer::kDone;
    }
    if (locked.Insert(key, hash, value)) return WeakMapAnswer::kDone;
    *wanted = locked.WantedPairs();
    return WeakMapAnswer::kTableNeeded;
  });
}

WeakMapAnswer WeakMapDelete(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key) {
  return WithKey(heap, mutator, map, key, [](LockedMap& locked, uint32_t /*hash*/, uint32_t at) {
    if (at == kNowhere) return WeakMapAnswer::kAbsent;
    locked.Remove(at);
    return WeakMapAnswer::kDone;
  });
}

WeakMapAnswer WeakMapInstall(Heap& heap, Mutator& mutator, WordIndex map, WordIndex table) {
  LockedMap locked(heap, mutator, map);
  if (!locked.locked()) return WeakMapAnswer::kContended;
  if (!locked.has_room() && locked.PairsOf(table) >= locked.WantedPairs()) locked.MoveTo(table);
  return WeakMapAnswer::kDone;
}

}  // namespace faultline
