// Forwarding: where an object lives after the cycle.
//
//     source    A A A . . B B . C C C C      (. is garbage)
//     live      1 1 1 0 0 1 1 0 1 1 1 1
//     target    A A A B B C C C C            C goes to offset 5: five live words precede it
//
// The address function of the Compressor (Kermany & Petrank, PLDI 2006), per region: in a region that does not move, addresses stay; in a
// region that moves, the new address is the offset of the word's block plus the live words that precede it in the block.  When a region's
// contents run over the end of a target, everything from `split` on lies `pad` words further.
//
// Invariant P: between plan and finish this function is pure and total over live references.  It reads tables frozen by the plan and
// nothing else, in particular not what a region is used for at the moment.
#pragma once

#include <cstdint>

#include "heap/side_tables.h"

namespace faultline {

class Forwarding {
 public:
  explicit Forwarding(const SideTables& tables)
      : moving_(tables.moving.data()),
        forward_(tables.forward.data()),
        live_(tables.live_bits.data()),
        offsets_(tables.block_offsets.data()) {}

  bool Moves(WordIndex word) const { return moving_[RegionOf(word)] != 0; }

  // Whether a word of a source belongs to an object that was found alive.
  bool IsLive(WordIndex word) const { return (live_[word >> kBlockWordsLog2] >> (word & (kBlockWords - 1)) & 1) != 0; }

  // Inlined into callers that are compiled with and without the POPCNT instruction.
  __attribute__((always_inline)) WordIndex NewAddress(WordIndex word) const {
    const RegionIndex region = RegionOf(word);
    if (moving_[region] == 0) return word;
    return NewAddressInSource(word, region);
  }

  __attribute__((always_inline)) WordIndex NewAddressInSource(WordIndex word, RegionIndex region) const {
    const WordIndex address(CountBefore(live_, offsets_, word));
    return word >= forward_[region].split ? address + forward_[region].pad : address;
  }

  // The same for the contents of a slot, where 0 is null (the region of word 0 may move).
  __attribute__((always_inline)) WordIndex NewReference(WordIndex reference) const {
    return reference == 0 ? reference : NewAddress(reference);
  }

  // Fetches the table entries that NewAddress(word) will read.
  __attribute__((always_inline)) void Prefetch(WordIndex word) const {
    __builtin_prefetch(&live_[word >> kBlockWordsLog2]);
    __builtin_prefetch(&offsets_[word >> kBlockWordsLog2]);
  }

 private:
  const uint8_t* moving_;
  const RegionForward* forward_;
  const uint64_t* live_;
  const uint32_t* offsets_;
};

}  // namespace faultline
