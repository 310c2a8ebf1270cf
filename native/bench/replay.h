// replay; see bench/workloads/replay.ts and replay-memory.ts.  Sizes and contents of objects: src/cli/run/object-layout.ts.
#pragma once

#include <string>
#include <vector>

#include "bench/any_heap/work.h"
#include "bench/native_mutator.h"
#include "bench/parameters.h"

namespace faultline::bench {

template <typename Access>
class Replay final : public Work {
 public:
  Replay(NativeMutator& mutator, const Parameters& parameters, uint32_t seed)
      : mutator_(mutator),
        random_(seed),
        directory_(mutator.DefineArray("bench.table", 0, true)),
        doubles_(mutator.DefineArray("bench.doubles", 0, false)),
        first_edge_(parameters.Table("firstEdge")),
        edge_target_(parameters.Table("edgeTarget")),
        self_bytes_(parameters.Table("selfBytes")),
        nodes_(self_bytes_.count) {
    for (uint32_t words = 0; words <= kMaxInlineWords; ++words) {
      const std::string name = "bench.graph-node+" + std::to_string(words * 8);
      shapes_[words] = mutator.DefineMixed(name.c_str(), 1, 4 + words * 8);
      by_id_.resize(std::max<size_t>(by_id_.size(), shapes_[words].id + 1));
      by_id_[shapes_[words].id] = shapes_[words];
    }
    for (int64_t& kept : kept_) kept = -1;
  }

  void Build() override {
    mutator_.root(kDirectory) = mutator_.Allocate(directory_, nodes_);
    for (uint32_t node = 0; node < nodes_; ++node) MakeNode(node);
    for (uint32_t node = 0; node < nodes_; ++node) {
      const uint32_t references = References(node);
      for (uint32_t slot = 0; slot < references; ++slot) ReconcileSlot(node, slot);
      mutator_.Poll();
    }
  }

  void Step(uint32_t) override {
    const uint32_t start = random_.Below(nodes_);
    Walk(Load(Entry(start)), start);
    const uint32_t dice = random_.Below(32);
    if (dice < 14) {
      ReplacePath();
    } else if (dice < 17) {
      KeepPath();
    } else if (dice < 20) {
      Revisit();
    } else if (dice < 26) {
      const uint32_t place = random_.Below(kLitterPlaces);
      const uint32_t words = 1 + random_.Below(kMostLitterWords);
      const WordIndex litter = mutator_.Allocate(doubles_, words);
      mutator_.root(kFirstLitter + place) = litter;
    } else {
      Reconcile();
    }
  }

  void Verify() override {
    for (uint32_t node = 0; node < nodes_; ++node) {
      const WordIndex object = Load(Entry(node));
      const uint32_t references = References(node);
      CheckObject(object, node);
      for (uint32_t slot = 0; slot < references; ++slot) {
        Check(mutator_.slots(Load(Slot(object, slot)))[kIdentity] == Target(node, slot));
      }
    }
    for (const int64_t node : kept_) Add(static_cast<uint32_t>(node));
  }

  void Corrupt() override {
    for (uint32_t node = 0; node < nodes_; ++node) mutator_.slots(Load(Entry(node)))[kIdentity] ^= 1;
  }

 private:
  static constexpr uint32_t kKeptPaths = 64;
  static constexpr uint32_t kLitterPlaces = 64;
  static constexpr uint32_t kWalkObjects = 64;
  static constexpr uint32_t kLongestPath = 16;
  static constexpr uint32_t kReconciledSlots = 256;
  static constexpr uint32_t kMostLitterWords = 128;
  static constexpr uint32_t kBigReferences = 2048;
  static constexpr uint32_t kMaxInlineWords = 16;

  static constexpr uint32_t kDirectory = 0;
  static constexpr uint32_t kOwner = 1;
  static constexpr uint32_t kSource = 2;
  static constexpr uint32_t kCopy = 3;
  static constexpr uint32_t kFirstKept = 4;
  static constexpr uint32_t kFirstLitter = kFirstKept + kKeptPaths;

  static constexpr uint32_t kPayload = 2;
  static constexpr uint32_t kIdentity = 3;
  static constexpr uint32_t kInline = 4;

  // Words of a node's self size that header, identity and references leave for payload.
  static uint32_t SpareWords(uint32_t self_bytes, uint32_t references) {
    const int64_t spare = int64_t{self_bytes / 8} - 2 - (int64_t{references} + 1) / 2;
    return spare > 0 ? static_cast<uint32_t>(spare) : 0;
  }
  uint32_t InlineWords(uint32_t node) const {
    const uint32_t spare = SpareWords(self_bytes_.data[node], References(node));
    return spare <= kMaxInlineWords ? spare : 0;
  }
  uint32_t PayloadWords(uint32_t node) const {
    const uint32_t spare = SpareWords(self_bytes_.data[node], References(node));
    return spare <= kMaxInlineWords ? 0 : spare - 1;
  }
  static uint32_t PayloadAt(uint32_t node, uint32_t index) { return (node + 1) * 0x9e3779b1u ^ (index + 1) * 0x85ebca77u; }

  uint32_t References(uint32_t node) const { return first_edge_.data[node + 1] - first_edge_.data[node]; }
  uint32_t Target(uint32_t node, uint32_t slot) const { return edge_target_.data[first_edge_.data[node] + slot]; }
  WordIndex Load(uint32_t* slot) { return Access::Load(mutator_, slot); }
  void Store(uint32_t* slot, WordIndex reference) { Access::Store(mutator_, slot, reference); }
  uint32_t* Entry(uint32_t node) { return &mutator_.slots(mutator_.root(kDirectory))[kHeaderSlots + node]; }
  uint32_t* Slot(WordIndex object, uint32_t slot) {
    uint32_t* const slots = mutator_.slots(object);
    return &slots[by_id_[slots[0]].fixed_words * 2 + slot];
  }
  double* Payload(WordIndex payload) { return mutator_.doubles(payload) + doubles_.fixed_words; }

  void MakeNode(uint32_t node) {
    const uint32_t inline_words = InlineWords(node);
    const WordIndex made = mutator_.Allocate(shapes_[inline_words], References(node));
    uint32_t* const slots = mutator_.slots(made);
    slots[kIdentity] = node;
    for (uint32_t index = 0; index < inline_words * 2; ++index) slots[kInline + index] = PayloadAt(node, index);
    Store(Entry(node), made);
    const uint32_t words = PayloadWords(node);
    if (words == 0) return;
    const WordIndex payload = mutator_.Allocate(doubles_, words);
    for (uint32_t index = 0; index < words; ++index) Payload(payload)[index] = PayloadAt(node, index);
    Store(&mutator_.slots(Load(Entry(node)))[kPayload], payload);
  }

  void ReconcileSlot(uint32_t node, uint32_t slot) {
    uint32_t* const at = Slot(Load(Entry(node)), slot);
    const WordIndex best = Load(Entry(Target(node, slot)));
    if (Load(at) != best) Store(at, best);
  }

  void Walk(WordIndex object, uint32_t node) {
    for (uint32_t steps = 0; steps < kWalkObjects; ++steps) {
      CheckObject(object, node);
      const uint32_t references = References(node);
      if (references == 0) break;
      const uint32_t slot = random_.Below(references);
      object = Load(Slot(object, slot));
      node = Target(node, slot);
    }
    Add(node);
  }

  void CheckObject(WordIndex object, uint32_t node) {
    Check(mutator_.slots(object)[kIdentity] == node);
    Check(mutator_.Count(object) == References(node));
    if (const uint32_t inline_slots = InlineWords(node) * 2; inline_slots > 0) {
      const uint32_t index = random_.Below(inline_slots);
      Check(mutator_.slots(object)[kInline + index] == PayloadAt(node, index));
    } else if (const uint32_t words = PayloadWords(node); words > 0) {
      const uint32_t index = random_.Below(words);
      Check(Payload(Load(&mutator_.slots(object)[kPayload]))[index] == PayloadAt(node, index));
    }
  }

  void ReplacePath() {
    const uint32_t node = random_.Below(nodes_);
    mutator_.root(kOwner) = Load(Entry(node));
    CopyPath(node, 1 + random_.Below(kLongestPath), true);
  }

  void KeepPath() {
    const uint32_t kept = random_.Below(kKeptPaths);
    const uint32_t node = random_.Below(nodes_);
    Drop(kept);
    if (References(node) > kBigReferences) return;
    const WordIndex copy = Copy(Load(Entry(node)));
    mutator_.root(kFirstKept + kept) = mutator_.root(kOwner) = copy;
    kept_[kept] = node;
    CopyPath(node, random_.Below(kLongestPath), false);
  }

  void Revisit() {
    const uint32_t kept = random_.Below(kKeptPaths);
    if (kept_[kept] < 0) return;
    Walk(mutator_.root(kFirstKept + kept), static_cast<uint32_t>(kept_[kept]));
    if (random_.Below(2) == 0) Drop(kept);
  }

  void Drop(uint32_t kept) {
    mutator_.root(kFirstKept + kept) = 0;
    kept_[kept] = -1;
  }

  void CopyPath(uint32_t node, uint32_t length, bool everywhere) {
    for (uint32_t copied = 0; copied < length; ++copied) {
      const uint32_t references = References(node);
      if (references == 0) break;
      const uint32_t slot = random_.Below(references);
      node = Target(node, slot);
      const WordIndex next = Load(Slot(mutator_.root(kOwner), slot));
      if (References(node) > kBigReferences) {
        mutator_.root(kOwner) = next;
        continue;
      }
      const WordIndex copy = Copy(next);
      Store(Slot(mutator_.root(kOwner), slot), copy);
      if (everywhere) Store(Entry(node), copy);
      mutator_.root(kOwner) = copy;
    }
    mutator_.root(kOwner) = 0;
  }

  // A safepoint, after which only the answer is valid.
  WordIndex Copy(WordIndex original) {
    mutator_.root(kSource) = original;
    const BenchShape shape = by_id_[mutator_.slots(original)[0]];
    const uint32_t references = mutator_.Count(original);
    const WordIndex made = mutator_.Allocate(shape, references);
    mutator_.root(kCopy) = made;
    const auto source_payload = [&] { return Load(&mutator_.slots(mutator_.root(kSource))[kPayload]); };
    if (const WordIndex old = source_payload(); old != 0) {
      const uint32_t words = mutator_.Count(old);
      const WordIndex payload = mutator_.Allocate(doubles_, words);
      const double* const from = Payload(source_payload());
      for (uint32_t i = 0; i < words; ++i) Payload(payload)[i] = from[i];
      Store(&mutator_.slots(mutator_.root(kCopy))[kPayload], payload);
    }
    const WordIndex copy = mutator_.root(kCopy);
    const WordIndex source = mutator_.root(kSource);
    const uint32_t first = shape.fixed_words * 2;
    for (uint32_t slot = kIdentity; slot < first; ++slot) mutator_.slots(copy)[slot] = mutator_.slots(source)[slot];
    for (uint32_t slot = 0; slot < references; ++slot) {
      Store(&mutator_.slots(copy)[first + slot], Load(&mutator_.slots(source)[first + slot]));
    }
    mutator_.root(kSource) = mutator_.root(kCopy) = 0;
    return copy;
  }

  void Reconcile() {
    for (uint32_t budget = kReconciledSlots; budget > 0;) {
      const uint32_t references = References(reconciled_node_);
      for (; reconciled_slot_ < references && budget > 0; --budget) ReconcileSlot(reconciled_node_, reconciled_slot_++);
      if (reconciled_slot_ < references) return;
      // A node without references costs something too; the last one of a budget is paid for already.
      if (budget > 0) --budget;
      reconciled_slot_ = 0;
      reconciled_node_ = (reconciled_node_ + 1) % nodes_;
    }
  }

  NativeMutator& mutator_;
  Random random_;
  const BenchShape directory_;
  const BenchShape doubles_;
  BenchShape shapes_[kMaxInlineWords + 1];
  std::vector<BenchShape> by_id_;
  const Parameters::Numbers first_edge_;
  const Parameters::Numbers edge_target_;
  const Parameters::Numbers self_bytes_;
  const uint32_t nodes_;
  int64_t kept_[kKeptPaths];
  uint32_t reconciled_node_ = 0;
  uint32_t reconciled_slot_ = 0;
};

}  // namespace faultline::bench
