#include "heap/side_tables.h"

namespace faultline {

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
  return status;
}

size_t SideTables::bytes() const {
  return object_starts.bytes() + live_bits.bytes() + block_offsets.bytes() + page_states.bytes() + page_records.bytes() + moving.bytes() +
         forward.bytes() + live_word_counts.bytes() + marked_pages.bytes() + frozen.bytes() + next_source.bytes() + target_end.bytes() +
         unread_pages.bytes();
}

}  // namespace faultline
