// Bitmap: one bit per heap word.  Two of them exist: object starts (set by marking, and where objects are copied to) and live words (set by
// the plan).
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#include "heap/layout.h"
#include "heap/mapped_array.h"

namespace faultline {

// How many words with a set bit lie before `word`; before[block] of them lie before its block.  On live words this is the address function.
// Inlined both into callers that may use the POPCNT instruction and into callers that may not.
__attribute__((always_inline)) inline uint32_t CountBefore(const uint64_t* cells, const uint32_t* before, WordIndex word) {
  const uint32_t block = word >> kBlockWordsLog2;
  const uint64_t bits = cells[block] & ((uint64_t{1} << (word & (kBlockWords - 1))) - 1);
  return before[block] + static_cast<uint32_t>(__builtin_popcountll(bits));
}
static_assert(kBlockWords == 64, "a block is a cell of a bitmap");

class Bitmap {
 public:
  // Two cells more than the words need: readers may load a window that begins at the end.
  Status Create(uint64_t words) { return bits_.Create(static_cast<size_t>(words / 64) + 2, PageSize::kHugeIfPossible); }

  // Sets the bit; true if this call set it.  The bit publishes nothing: the object that a marker reads next was published to it by the
  // handshake, or by the chunk in which the reference came.  seq_cst for gc/marking/ephemeron_table.h; partner: TestInOrder.
  bool TestAndSet(WordIndex word) {
    std::atomic_ref<uint64_t> cell(bits_[word >> 6]);
    const uint64_t bit = uint64_t{1} << (word & 63);
    if ((cell.load(std::memory_order_relaxed) & bit) != 0) return false;
    return (cell.fetch_or(bit, std::memory_order_seq_cst) & bit) == 0;
  }

  // Prefetches the cell for TestAndSet.
  void Prefetch(WordIndex word) const { __builtin_prefetch(bits_.data() + (word >> 6), 1); }
  void PrefetchToTest(WordIndex word) const { __builtin_prefetch(bits_.data() + (word >> 6), 0); }

  // A seq_cst load, ordered with all other seq_cst operations.  Partner: TestAndSet.
  bool TestInOrder(WordIndex word) const { return (__atomic_load_n(&bits_[word >> 6], __ATOMIC_SEQ_CST) >> (word & 63)) & 1; }

  bool Test(WordIndex word) const { return (Cell(word >> 6) >> (word & 63)) & 1; }

  // Sets `count` bits from `first`; one thread owns the range.
  void SetRange(WordIndex first, uint32_t count) {
    const WordIndex end = first + count;
    const uint32_t first_cell = first >> 6;
    const uint32_t last_cell = (end - 1) >> 6;
    const uint64_t from = ~uint64_t{0} << (first & 63);
    const uint64_t until = ~uint64_t{0} >> (63 - ((end - 1) & 63));
    if (first_cell == last_cell) {
      bits_[first_cell] |= from & until;
      return;
    }
    bits_[first_cell] |= from;
    for (uint32_t i = first_cell + 1; i < last_cell; ++i) bits_[i] = ~uint64_t{0};
    bits_[last_cell] |= until;
  }

  void ClearRegion(RegionIndex region) {
    uint64_t* const cells = bits_.data() + FirstWordOfRegion(region) / 64;
    // A builder that looks for the next object from the end of the region before may load this cell (gc/compaction/page_building.cc).
    __atomic_store_n(cells, 0, __ATOMIC_RELAXED);
    memset(cells + 1, 0, kRegionWords / 8 - sizeof(uint64_t));
  }

  // Replaces the bits of a page, which one thread owns.  Relaxed: whoever publishes the page publishes them.
  static constexpr uint32_t kPageCells = kPageWords / 64;
  void SetPage(PageIndex page, const uint64_t (&cells)[kPageCells]) {
    uint64_t* const to = bits_.data() + FirstWordOfPage(page) / 64;
    for (uint32_t i = 0; i < kPageCells; ++i) __atomic_store_n(to + i, cells[i], __ATOMIC_RELAXED);
  }

  // First set bit in [from, end), or `end`.  Both within one region or at its end.
  WordIndex FindNext(WordIndex from, WordIndex end) const {
    if (from >= end) return end;
    uint32_t cell = from >> 6;
    const uint32_t last = (end - 1) >> 6;
    uint64_t bits = Cell(cell) & (~uint64_t{0} << (from & 63));
    while (bits == 0) {
      if (++cell > last) return end;
      bits = Cell(cell);
    }
    const WordIndex found((cell << 6) + static_cast<uint32_t>(__builtin_ctzll(bits)));
    return found < end ? found : end;
  }

  // Last set bit in [begin, before), or `before` when there is none.
  WordIndex FindPrevious(WordIndex begin, WordIndex before) const {
    if (before <= begin) return before;
    uint32_t cell = (before - 1) >> 6;
    const uint32_t first = begin >> 6;
    uint64_t bits = Cell(cell) & (~uint64_t{0} >> (63 - ((before - 1) & 63)));
    for (;;) {
      if (cell == first) bits &= ~uint64_t{0} << (begin & 63);
      if (bits != 0) return WordIndex((cell << 6) + 63 - static_cast<uint32_t>(__builtin_clzll(bits)));
      if (cell == first) return before;
      bits = Cell(--cell);
    }
  }

  // Fills before[block] for the region's blocks, which CountBefore needs.  `count` is the count before the region; returns the count after
  // it.
  uint32_t CountBlocks(RegionIndex region, uint32_t count, uint32_t* before) const {
    const uint32_t first = FirstWordOfRegion(region) / kBlockWords;
    for (uint32_t block = first; block < first + kRegionWords / kBlockWords; ++block) {
      before[block] = count;
      count += static_cast<uint32_t>(std::popcount(bits_[block]));
    }
    return count;
  }

  uint64_t* data() { return bits_.data(); }
  const uint64_t* data() const { return bits_.data(); }
  void DropPages() { bits_.DropPages(); }
  size_t bytes() const { return bits_.bytes(); }

 private:
  // Relaxed: while marking runs, other threads set bits in the same cell.
  uint64_t Cell(uint32_t cell) const { return __atomic_load_n(&bits_[cell], __ATOMIC_RELAXED); }

  MappedArray<uint64_t> bits_;
};

}  // namespace faultline
