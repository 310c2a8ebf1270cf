#include "gc/checking/verification.h"

#include <stdio.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "heap/bitmap.h"
#include "heap/poison.h"
#include "os/invariant.h"

namespace faultline {

namespace {

// Decodes headers and walks slots without heap/object.h: a check that shared that code with what it checks would share its mistakes.
class Verifier {
 public:
  Verifier(Heap& heap, bool marks) : heap_(heap), marks_(marks) {
    const uint64_t words = uint64_t{heap.regions.count()} * kRegionWords;
    // Without memory for both bitmaps there is no check.
    ready_ = starts_.Create(words).ok() && covered_.Create(words).ok();
  }

  uint64_t Run() {
    if (!ready_) return 0;
    CheckEmptyRegions();
    heap_.pins.CheckRegions(heap_);
    heap_.ForEachRoot([this](const uint32_t* slot) {
      const uint32_t root = __atomic_load_n(slot, __ATOMIC_RELAXED);
      if (IsReference(root)) Reach(root, kNull);
    });
    while (!stack_.empty()) {
      const WordIndex object = stack_.back();
      stack_.pop_back();
      Look(object);
      LookAtEphemeronsOf(object);
    }
    LookAtWaiting();
    for (const auto& [reference, owner] : weakly_held_) CheckWeaklyHeld(reference, owner);
    return objects_;
  }

 private:
  void CheckEmptyRegions() const {
    for (RegionIndex region{0}; region < heap_.regions.count(); ++region) {
      if (heap_.regions.committed().Has(region)) continue;
      FAULTLINE_CHECK(heap_.regions.use(region).state == RegionState::kFree && heap_.tables.live_word_counts[region] == 0,
                      "(E) a region that is not committed is free and has no marks", region);
    }
  }

  void Reach(uint32_t slot, WordIndex owner) {
    if (slot == 0) return;
    const WordIndex reference(slot);
    if (heap_.poisons && LeadsNowhere(reference)) SayStale(reference, owner);
    FAULTLINE_CHECK(reference >= kPageWords && RegionOf(reference) < heap_.regions.count(),
                    "verify: a reference lies inside the heap (owner, reference)", owner, reference);
    if (starts_.Test(reference)) return;
    FAULTLINE_CHECK(!covered_.Test(reference), "verify: a reference points at an object's header (owner, reference)", owner, reference);
    starts_.TestAndSet(reference);
    if (marks_ && PageOf(reference) % kRegionPages < heap_.tables.marked_pages[RegionOf(reference)]) {
      FAULTLINE_CHECK(heap_.tables.object_starts.Test(reference), "(M) what is reachable is marked (owner, reference)", owner, reference);
    }
    ++objects_;
    Cover(reference, owner);
    stack_.push_back(reference);
  }

  void Cover(WordIndex object, WordIndex owner) {
    const uint32_t* const slots = heap_.slots() + uint64_t{object} * 2;
    FAULTLINE_CHECK(heap_.shapes.IsValid(ShapeId(slots[0])), "verify: an object has a known shape (owner, object)", owner, object);
    const uint64_t words = heap_.shapes[ShapeId(slots[0])].Words(slots[1]);
    const RegionIndex region = RegionOf(object);
    const RegionUse use = heap_.regions.use(region);
    if (IsLeaf(use.kind)) CheckLeaf(object, owner);
    if (words > kLargeObjectWords || use.state == RegionState::kLarge) {
      FAULTLINE_CHECK(use.state == RegionState::kLarge && object == FirstWordOfRegion(region),
                      "verify: a large object owns its regions (owner, object)", owner, object);
      return;
    }
    // What a plan moves is in use until the flip.
    FAULTLINE_CHECK(use.state == RegionState::kLive || use.state == RegionState::kAllocating || use.state == RegionState::kSource,
                    "verify: an object lies in a region in use (owner, object)", owner, object);
    const WordIndex end = object + static_cast<uint32_t>(words);
    FAULTLINE_CHECK(end <= FirstWordOfRegion(region) + use.used_pages * kPageWords,
                    "verify: an object lies on used pages of one region (owner, object)", owner, object);
    FAULTLINE_CHECK(covered_.FindNext(object, end) == end, "verify: objects do not overlap (owner, object)", owner, object);
    covered_.SetRange(object, static_cast<uint32_t>(words));
  }

  void CheckLeaf(WordIndex object, WordIndex owner) {
    const Shape& shape = heap_.shapes[ShapeId(heap_.slots()[uint64_t{object} * 2])];
    const bool has_elements_of_data = shape.element_kind == ElementKind::kNone || shape.element_kind == ElementKind::kData;
    FAULTLINE_CHECK(shape.reference_fields == 0 && shape.tagged_fields == 0 && has_elements_of_data,
                    "(R) no object in a leaf region holds references (owner, object)", owner, object);
  }

  void Look(WordIndex object) {
    const uint32_t* const slots = heap_.slots() + uint64_t{object} * 2;
    const Shape& shape = heap_.shapes[ShapeId(slots[0])];
    for (uint32_t i = 0; i < shape.reference_fields; ++i) Reach(slots[kHeaderSlots + i], object);
    const uint32_t* const tagged = slots + kHeaderSlots + shape.reference_fields;
    for (uint32_t i = 0; i < shape.tagged_fields; ++i) ReachTagged(tagged[i], object);
    const uint32_t* const elements = slots + uint64_t{shape.fixed_words} * 2;
    switch (shape.element_kind) {
      case ElementKind::kReference:
        for (uint32_t i = 0; i < slots[1]; ++i) Reach(elements[i], object);
        return;
      case ElementKind::kTagged:
        for (uint32_t i = 0; i < slots[1]; ++i) ReachTagged(elements[i], object);
        return;
      case ElementKind::kEphemeron:
        for (uint32_t i = 0; i < slots[1]; ++i) {
          const uint32_t key = elements[2 * uint64_t{i}];
          if (key == 0 || key == object) continue;
          if (IsSmallInteger(key) || starts_.Test(WordIndex(key))) {
            ReachTagged(elements[2 * i + 1], object);
          } else {
            waiting_.emplace(WordIndex(key), Pair{object, &elements[2 * uint64_t{i}]});
          }
        }
        return;
      case ElementKind::kWeak:
      case ElementKind::kFinalizable:
        for (uint32_t i = 0; i < slots[1]; ++i) {
          if (IsReference(elements[i])) weakly_held_.emplace_back(elements[i], object);
        }
        return;
      case ElementKind::kNone:
      case ElementKind::kData:
        return;
    }
  }

  bool LeadsNowhere(WordIndex reference) const {
    if (RegionOf(reference) >= heap_.regions.count()) return true;
    const RegionUse use = heap_.regions.use(RegionOf(reference));
    return PageOf(reference) % kRegionPages >= use.used_pages || heap_.slots()[uint64_t{reference} * 2] == kPoison;
  }

  // Says it in terms of the program, before the violated law ends the process.
  void SayStale(WordIndex reference, WordIndex owner) const {
    const ShapeId id(owner == kNull ? 0 : heap_.slots()[uint64_t{owner} * 2]);
    std::u16string given;
    std::string description;
    if (id != kNoShape) heap_.shapes.Describe(id, &given, &description);
    std::string name;
    for (const char16_t unit : given) name += unit >= 0x20 && unit < 0x7f ? static_cast<char>(unit) : '?';
    fprintf(stderr,
            "faultline: ERR_STALE_REFERENCE: %s%s (at word %u) holds the reference %u, where there is no object. A reference "
            "was kept across a safepoint and stored, or used to read what was stored; keep a handle instead.\n",
            owner == 0 ? "a root slot" : "an object of shape ", name.c_str(), uint32_t{owner}, uint32_t{reference});
  }

  void ReachTagged(uint32_t slot, WordIndex owner) {
    if (!IsSmallInteger(slot)) Reach(slot, owner);
  }

  // Ephemerons that have waited for the key lead to their values.
  void LookAtEphemeronsOf(WordIndex key) {
    const auto [first, end] = waiting_.equal_range(key);
    for (auto entry = first; entry != end; ++entry) ReachTagged(entry->second.slots[1], entry->second.table);
    waiting_.erase(first, end);
  }

  // Ephemerons whose keys were not reached.
  void LookAtWaiting() {
    for (const auto& [key, pair] : waiting_) {
      weakly_held_.emplace_back(key, pair.table);
      if (IsReference(pair.slots[1])) weakly_held_.emplace_back(pair.slots[1], pair.table);
    }
  }

  // It need not be reachable, but must still be an object.
  void CheckWeaklyHeld(WordIndex reference, WordIndex owner) {
    if (starts_.Test(reference)) return;
    FAULTLINE_CHECK(reference >= kPageWords && RegionOf(reference) < heap_.regions.count(),
                    "verify: a weak slot refers into the heap (owner, reference)", owner, reference);
    FAULTLINE_CHECK(!covered_.Test(reference) && heap_.shapes.IsValid(ShapeId(heap_.slots()[uint64_t{reference} * 2])),
                    "(W) a weak slot refers to an object (owner, reference)", owner, reference);
    const RegionState state = heap_.regions.use(RegionOf(reference)).state;
    FAULTLINE_CHECK(
        state == RegionState::kLive || state == RegionState::kAllocating || state == RegionState::kSource || state == RegionState::kLarge,
        "(W) a weak slot refers to an object that was not swept (owner, reference)", owner, reference);
  }

  struct Pair {
    WordIndex table;
    const uint32_t* slots;
  };

  Heap& heap_;
  const bool marks_;
  std::unordered_multimap<WordIndex, Pair> waiting_;  // Ephemerons by their keys.
  std::vector<std::pair<WordIndex, WordIndex>> weakly_held_;
  Bitmap starts_;
  Bitmap covered_;
  std::vector<WordIndex> stack_;
  uint64_t objects_ = 0;
  bool ready_ = false;
};

}  // namespace

uint64_t VerifyHeap(Heap& heap) {
  Verifier verifier(heap, false);
  return verifier.Run();
}

uint64_t VerifyMarks(Heap& heap) {
  Verifier verifier(heap, true);
  return verifier.Run();
}

}  // namespace faultline
