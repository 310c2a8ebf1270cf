#include "gc/checking/graph_copy.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "os/invariant.h"

namespace faultline {

namespace {

enum class Hold { kStrong, kWeak, kKey, kValue };

}  // namespace

// Calls visit(slot, value, hold) for each slot with a reference.  A value follows its key; either may be a small integer.
template <typename Visit>
void GraphCopy::ForEachSlot(WordIndex object, Visit visit) const {
  const Header header = heap_->HeaderOf(object);
  const uint32_t* const slots = heap_->SlotsOf(object);
  ForEachSlotRun(heap_->shapes[header.shape], header.count, [&](ElementKind kind, uint64_t first, uint64_t last) {
    const Hold hold = kind >= ElementKind::kWeak ? Hold::kWeak : Hold::kStrong;
    for (uint32_t slot = static_cast<uint32_t>(first); slot < last; ++slot) {
      if (kind != ElementKind::kEphemeron) {
        if (IsReference(slots[slot])) visit(slot, slots[slot], hold);
        continue;
      }
      // An entry without a key holds nothing; neither does a removed one, whose key is the table itself (heap/weak_map.h).
      const uint32_t value = slot + 1;
      if (slots[slot] != 0 && slots[slot] != object) {
        visit(slot, slots[slot], Hold::kKey);
        visit(value, slots[value], Hold::kValue);
      }
      slot = value;
    }
  });
}

Status GraphCopy::Take(Heap& heap, const Options& options) {
  heap_ = &heap;
  options_ = options;
  const uint64_t words = uint64_t{heap.regions.count()} * kRegionWords;
  if (Status status = reached_.Create(words); !status.ok()) return status;
  if (Status status = before_.Create(words / kBlockWords); !status.ok()) return status;
  NoteRoots();
  ReachAll();
  if (Status status = nodes_.Create(std::max<uint64_t>(node_count_, 1)); !status.ok()) return status;
  if (Status status = edges_.Create(std::max<uint64_t>(edge_count_, 1)); !status.ok()) return status;
  if (Status status = texts_.Create(std::max<uint64_t>(text_bytes_, 1)); !status.ok()) return status;
  static std::atomic<uint64_t> numbers{0};
  first_number_ = numbers.fetch_add(node_count_, std::memory_order_relaxed);
  NumberObjects();

  // The counts were upper bounds: weak references to unreachable objects are left out.
  edge_count_ = text_bytes_ = 0;
  uint64_t copied = 0;
  for (RegionIndex region{0}; region < heap.regions.count(); ++region) {
    if (heap.regions.use(region).state == RegionState::kFree) continue;
    const WordIndex end = FirstWordOfRegion(region) + kRegionWords;
    for (WordIndex object = reached_.FindNext(FirstWordOfRegion(region), end); object < end; object = reached_.FindNext(object + 1, end)) {
      Copy(object, &nodes_[copied++]);
    }
  }
  FAULTLINE_CHECK(copied == node_count_, "what is reachable lies in regions in use (copied, reached)", copied, node_count_);
  for (Root& root : roots_) root.target = NumberOf(WordIndex(root.target));
  reached_.DropPages();
  before_.Release();
  heap_ = nullptr;
  return {};
}

GraphCopy::Bytes GraphCopy::PartOf(Part part) const {
  const auto bytes = [](const auto* data, uint64_t count) {
    return Bytes{reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(count) * sizeof(*data)};
  };
  switch (part) {
    case Part::kNodes:
      return bytes(nodes_.data(), node_count_);
    case Part::kEdges:
      return bytes(edges_.data(), edge_count_);
    case Part::kRoots:
      return bytes(roots_.data(), roots_.size());
    case Part::kTexts:
      return bytes(texts_.data(), text_bytes_);
  }
  return {nullptr, 0};
}

void GraphCopy::NoteRoots() {
  for (uint32_t i = 0; i < kSharedRootSlots; ++i) AddRoot(RootGroup::kShared, 0, 0, i, heap_->shared_roots[i]);
  for (Mutator* mutator : heap_->handshake.mutators()) AddMutatorRoots(*mutator);
  uint32_t index = 0;
  heap_->finalizers.ForEachRoot([&](const uint32_t* slot) { AddRoot(RootGroup::kFinalizers, 0, 0, index++, *slot); });
  index = 0;
  heap_->pins.ForEachRoot([&](const uint32_t* slot) { AddRoot(RootGroup::kPins, 0, 0, index++, *slot); });
}

void GraphCopy::AddMutatorRoots(Mutator& mutator) {
  uint32_t* const locals = mutator.control + control::kSlots;
  uint32_t* const handles = locals + mutator.local_capacity;
  const auto add_own = [&](const uint32_t* slot) {
    if (slot >= handles && slot < handles + mutator.handle_capacity) {
      AddRoot(RootGroup::kHandles, mutator.id, 0, static_cast<uint32_t>(slot - handles), *slot);
    } else if (slot >= mutator.control && slot < locals) {
      AddRoot(RootGroup::kLocals, mutator.id, 0, static_cast<uint32_t>(slot - mutator.control), *slot);  // A temporary.
    } else {
      AddRoot(RootGroup::kLocals, mutator.id, 0, static_cast<uint32_t>(slot - locals), *slot);
    }
  };
  mutator.ForEachOwnRun([&](const RootRun& run) { run.ForEachRoot(add_own); });
  mutator.ranges.ForEach([&](const RootRange& range) {
    mutator.RunOf(range).ForEachRoot(
        [&](const uint32_t* slot) { AddRoot(RootGroup::kRange, mutator.id, range.id, static_cast<uint32_t>(slot - range.slots), *slot); });
  });
}

void GraphCopy::AddRoot(RootGroup group, uint32_t mutator, uint32_t range, uint32_t index, uint32_t root) {
  if (!IsReference(root)) return;
  roots_.push_back({group, mutator, range, index, root});
  Reach(WordIndex(root));
}

void GraphCopy::Reach(WordIndex reference) {
  FAULTLINE_CHECK(reference >= kPageWords && RegionOf(reference) < heap_->regions.count(), "a reference lies inside the heap (reference)",
                  reference);
  if (!reached_.TestAndSet(reference)) return;
  FAULTLINE_CHECK(heap_->shapes.IsValid(heap_->HeaderOf(reference).shape), "an object has a known shape (object)", reference);
  ++node_count_;
  stack_.push_back(reference);
}

void GraphCopy::ReachAll() {
  while (!stack_.empty()) {
    const WordIndex object = stack_.back();
    stack_.pop_back();
    Look(object);
    // The values that have waited for this key are reached.
    const auto [first, end] = waiting_values_.equal_range(object);
    for (auto entry = first; entry != end; ++entry) Reach(entry->second);
    waiting_values_.erase(first, end);
  }
}

void GraphCopy::Look(WordIndex object) {
  if (const Header header = heap_->HeaderOf(object); IsText(header.shape)) {
    ++text_count_;
    text_bytes_ += TextBytes(header);
    return;
  }
  uint32_t key = 0;
  ForEachSlot(object, [&](uint32_t, uint32_t value, Hold hold) {
    ++edge_count_;
    if (hold == Hold::kStrong) Reach(WordIndex(value));
    if (hold == Hold::kKey) key = value;
    if (hold != Hold::kValue || !IsReference(value)) return;
    if (IsSmallInteger(key) || reached_.Test(WordIndex(key))) {
      Reach(WordIndex(value));
    } else {
      waiting_values_.emplace(WordIndex(key), WordIndex(value));
    }
  });
}

void GraphCopy::NumberObjects() {
  uint32_t before = 0;
  for (RegionIndex region{0}; region < heap_->regions.count(); ++region) {
    if (heap_->regions.use(region).state != RegionState::kFree) before = reached_.CountBlocks(region, before, before_.data());
  }
}

uint32_t GraphCopy::NumberOf(WordIndex object) const { return CountBefore(reached_.data(), before_.data(), object); }

void GraphCopy::Copy(WordIndex object, Node* node) {
  const Header header = heap_->HeaderOf(object);
  const uint32_t* const slots = heap_->SlotsOf(object);
  const Shape& shape = heap_->shapes[header.shape];
  const bool has_elements = shape.element_kind != ElementKind::kNone;
  *node = {header.shape, has_elements ? header.count : 0, 0, shape.identity_slot == 0 ? 0 : slots[shape.identity_slot] >> 1};
  if (IsText(header.shape)) CopyText(slots + shape.FirstElementSlot(), TextBytes(header));
  bool key_is_reached = false;
  ForEachSlot(object, [&](uint32_t slot, uint32_t value, Hold hold) {
    const bool is_reached = IsReference(value) && reached_.Test(WordIndex(value));
    if (hold == Hold::kKey) key_is_reached = IsSmallInteger(value) || is_reached;
    if (hold == Hold::kValue && !key_is_reached) return;
    if (!is_reached) return;
    edges_[edge_count_++] = {slot, NumberOf(WordIndex(value))};
    ++node->edges;
  });
}

uint64_t GraphCopy::TextBytes(Header header) const {
  const uint64_t units = std::min(header.count, options_.text_units);
  return header.shape == options_.two_byte_string ? units * 2 : units;
}

void GraphCopy::CopyText(const uint32_t* text, uint64_t bytes) {
  memcpy(texts_.data() + text_bytes_, text, bytes);
  text_bytes_ += bytes;
}

}  // namespace faultline
