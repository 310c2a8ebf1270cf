// Region set: some of the regions, one bit each.
//
// A step over it looks at 64 regions at once, so what goes through the regions that a heap has ever used takes no longer where the capacity
// is large.  Bits change under the lock of Regions, and each is one atomic step: who walks without the lock sees a moment's truth.  All of
// it is relaxed, and orders nothing.
#pragma once

#include <bit>
#include <cstdint>

#include "heap/layout.h"
#include "heap/mapped_array.h"

namespace faultline {

class RegionSet {
 public:
  Status Create(uint32_t regions) {
    end_ = RegionIndex(regions);
    return cells_.Create((regions + 63) / 64);
  }

  bool Has(RegionIndex region) const { return (Cell(region / 64) >> (region % 64) & 1) != 0; }
  void Insert(RegionIndex region) { __atomic_fetch_or(&cells_[region / 64], uint64_t{1} << (region % 64), __ATOMIC_RELAXED); }
  void Remove(RegionIndex region) { __atomic_fetch_and(&cells_[region / 64], ~(uint64_t{1} << (region % 64)), __ATOMIC_RELAXED); }

  // The first one at `from` or behind it; the end of all regions when there is none.
  RegionIndex Next(RegionIndex from) const {
    if (from >= end_) return end_;
    uint32_t cell = from / 64;
    uint64_t bits = Cell(cell) & (~uint64_t{0} << (from % 64));
    while (bits == 0) {
      if (++cell * 64 >= end_) return end_;
      bits = Cell(cell);
    }
    return RegionIndex(cell * 64 + static_cast<uint32_t>(std::countr_zero(bits)));
  }

  // Where the longest stretch from `from` on ends in which at most `most` of them lie: at the next one, or behind all regions.
  RegionIndex StretchEnd(RegionIndex from, uint32_t most) const {
    RegionIndex at = Next(from);
    for (; most > 0 && at < end_; --most) at = Next(at + 1);
    return at;
  }

  class Iterator {
   public:
    Iterator(const RegionSet* set, RegionIndex at) : set_(set), at_(at) {}
    RegionIndex operator*() const { return at_; }
    Iterator& operator++() {
      at_ = set_->Next(at_ + 1);
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const RegionSet* set_;
    RegionIndex at_;
  };
  Iterator begin() const { return {this, Next(RegionIndex{0})}; }
  Iterator end() const { return {this, end_}; }

 private:
  uint64_t Cell(uint32_t cell) const { return __atomic_load_n(&cells_[cell], __ATOMIC_RELAXED); }

  MappedArray<uint64_t> cells_;
  RegionIndex end_{0};
};

}  // namespace faultline
