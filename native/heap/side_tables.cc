#include "heap/side_tables.h"

#include <algorithm>

#include "os/clock.h"

namespace faultline {

namespace {

// Given back together: 2 MiB of live words, which may be one huge page, and half as much of block offsets.
constexpr uint32_t kRegionsGivenBackAtOnce = 128;
constexpr size_t kLiveBytesPerRegion = kRegionWords / 8;
constexpr size_t kOffsetBytesPerRegion = kRegionWords / kBlockWords * sizeof(uint32_t);
static_assert(kRegionsGivenBackAtOnce * kLiveBytesPerRegion == size_t{2} << 20);
static_assert(kOffsetBytesPerRegion % kPageBytes == 0, "a region's entries fill whole pages");

uint8_t* LiveBytesOf(SideTables& tables, RegionIndex region) {
  return reinterpret_cast<uint8_t*>(tables.live_bits.data()) + region * kLiveBytesPerRegion;
}
uint8_t* OffsetBytesOf(SideTables& tables, RegionIndex region) {
  return reinterpret_cast<uint8_t*>(tables.block_offsets.data()) + region * kOffsetBytesPerRegion;
}

}  // namespace

Status SideTables::Create(uint32_t regions) {
  const uint64_t words = uint64_t{regions} * kRegionWords;
  const size_t pages = size_t{regions} * kRegionPages;
  Status status;
  const auto create = [&status](auto& table, size_t count) {
    if (status.ok()) status = table.Create(count);
  };
  create(object_starts, words);
  create(live_bits, words);
  create(block_offsets, words / kBlockWords);
  create(page_states, pages);
  create(page_records, pages);
  create(moving, regions);
  create(forward, regions);
  create(live_word_counts, regions);
  create(marked_pages, regions);
  create(frozen, regions);
  create(next_source, regions);
  create(target_end, regions);
  create(unread_pages, regions);
  create(provided_, regions);
  return status;
}

Status SideTables::ProvideForSource(RegionIndex source) {
  provided_.Insert(source);
  if (Status status = ProvidePages(LiveBytesOf(*this, source), kLiveBytesPerRegion); !status.ok()) return status;
  return ProvidePages(OffsetBytesOf(*this, source), kOffsetBytesPerRegion);
}

bool SideTables::GiveBackForSources(uint64_t deadline_ns) {
  const RegionIndex all(static_cast<uint32_t>(moving.size()));
  for (RegionIndex at = provided_.Next(RegionIndex{0}); at < all; at = provided_.Next(at)) {
    if (NowNs() >= deadline_ns) return false;
    const RegionIndex first(at / kRegionsGivenBackAtOnce * kRegionsGivenBackAtOnce);
    const RegionIndex end = std::min(first + kRegionsGivenBackAtOnce, all);
    GiveBackPages(LiveBytesOf(*this, first), (end - first) * kLiveBytesPerRegion);
    GiveBackPages(OffsetBytesOf(*this, first), (end - first) * kOffsetBytesPerRegion);
    for (; at < end; ++at) provided_.Remove(at);
  }
  return true;
}

size_t SideTables::bytes() const {
  return object_starts.bytes() + live_bits.bytes() + block_offsets.bytes() + page_states.bytes() + page_records.bytes() + moving.bytes() +
         forward.bytes() + live_word_counts.bytes() + marked_pages.bytes() + frozen.bytes() + next_source.bytes() + target_end.bytes() +
         unread_pages.bytes();
}

}  // namespace faultline
