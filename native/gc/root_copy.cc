#include "gc/root_copy.h"

#include <cstring>

#include "gc/compaction/forwarding.h"
#include "os/anonymous_memory.h"
#include "os/clock.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr size_t kBytesProvidedAtOnce = size_t{2} << 20;
// Far enough ahead that the tables' lines have come when they are needed.
constexpr uint32_t kPrefetched = 16;

size_t BytesOf(uint32_t slots) { return slots * sizeof(uint32_t); }

uint32_t NextOf(const Forwarding& forwarding, uint32_t value) {
  if (!IsReference(value)) return value;
  const WordIndex object = forwarding.NewAddress(WordIndex(value));
  FAULTLINE_CHECK(!forwarding.Moves(object), "(C) a root leads to where its object is from now on", value, object);
  return object;
}

}  // namespace

Status RootCopy::Create(uint32_t slots) {
  const uint32_t room = (slots + kBlockSlots - 1) & ~(kBlockSlots - 1);
  if (Status status = slots_.Create(size_t{2} * room, PageSize::kHugeIfPossible); !status.ok()) return status;
  if (Status status = blocks_.Create(room / kBlockSlots); !status.ok()) return status;
  room_ = room;
  held_ = slots_.data();
  next_ = held_ + room;
  return {};
}

bool RootCopy::Provide(uint64_t deadline_ns) {
  while (provided_bytes_ < slots_.bytes()) {
    if (NowNs() >= deadline_ns) return false;
    const size_t bytes = std::min(kBytesProvidedAtOnce, slots_.bytes() - provided_bytes_);
    // What is refused faults in the pause.
    (void)ProvidePages(reinterpret_cast<uint8_t*>(slots_.data()) + provided_bytes_, bytes).ok();
    provided_bytes_ += bytes;
  }
  return true;
}

void RootCopy::Hold(const uint32_t* slots, uint32_t first, uint32_t end) {
  std::memcpy(held_ + first, slots + first, BytesOf(end - first));
}

void RootCopy::Update(const uint32_t* slots, uint32_t first, uint32_t end, std::vector<WordIndex>* changed) {
  for (uint32_t at = first; at < end; at += kBlockSlots) {
    const uint32_t block_end = std::min(at + kBlockSlots, end);
    if (std::memcmp(slots + at, held_ + at, BytesOf(block_end - at)) == 0) continue;
    for (uint32_t i = at; i < block_end; ++i) {
      if (slots[i] == held_[i]) continue;
      held_[i] = slots[i];
      if (IsReference(held_[i])) changed->push_back(WordIndex(held_[i]));
    }
  }
}

void RootCopy::Forward(const SideTables& tables, uint32_t first, uint32_t end) {
  const Forwarding forwarding(tables);
  for (uint32_t at = first; at < end; at += kBlockSlots) {
    const uint32_t block_end = std::min(at + kBlockSlots, end);
    Block block;
    for (uint32_t i = at; i < block_end; ++i) {
      if (i + kPrefetched < end && IsReference(held_[i + kPrefetched])) forwarding.Prefetch(WordIndex(held_[i + kPrefetched]));
      next_[i] = NextOf(forwarding, held_[i]);
      block.references += IsReference(held_[i]) ? 1 : 0;
      block.moves |= next_[i] != held_[i];
    }
    blocks_[at / kBlockSlots] = block;
  }
}

void RootCopy::Check(const SideTables& tables) const {
  const Forwarding forwarding(tables);
  for (uint32_t i = 0; i < count_; ++i) {
    FAULTLINE_CHECK(next_[i] == NextOf(forwarding, held_[i]), "(D) what was computed for a root is what its copy leads to", held_[i],
                    next_[i]);
  }
}

void RootCopy::Rewrite(const SideTables& tables, uint32_t* slots, uint32_t first, uint32_t end, Rewritten* rewritten) {
  const Forwarding forwarding(tables);
  for (uint32_t at = first; at < end; at += kBlockSlots) {
    const uint32_t block_end = std::min(at + kBlockSlots, end);
    if (block_end - at == kBlockSlots && std::memcmp(slots + at, held_ + at, BytesOf(kBlockSlots)) == 0) {
      const Block& block = blocks_[at / kBlockSlots];
      if (block.moves) std::memcpy(slots + at, next_ + at, BytesOf(kBlockSlots));
      rewritten->as_computed += block.references;
      continue;
    }
    for (uint32_t i = at; i < block_end; ++i) {
      const bool is_known = slots[i] == held_[i];
      if (!is_known) next_[i] = NextOf(forwarding, slots[i]);
      if (IsReference(slots[i])) ++(is_known ? rewritten->as_computed : rewritten->looked_up);
      slots[i] = next_[i];
    }
  }
}

}  // namespace faultline
