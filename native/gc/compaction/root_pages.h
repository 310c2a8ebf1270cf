// Root pages: pages that roots lead to, noted by the flip so that workers can begin with the pages that mutators touch first.
//
// Each of the first root owners (the shared roots, then mutators) has a ring of fixed size that keeps what was noted last; for an
// embedder's stack that is its top.  Noting costs a store; nothing is allocated in the pause.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "heap/layout.h"

namespace faultline {

class RootPages {
 public:
  static constexpr uint32_t kOwners = 64;
  static constexpr uint32_t kPagesOfOwner = 64;

  void Clear() { owners_ = 0; }

  // What is noted from here on belongs to the next owner.
  void NextOwner() {
    if (owners_ < kOwners) ++owners_;
    noted_[owners_ - 1] = 0;
  }

  void Note(WordIndex object) {
    uint32_t& noted = noted_[owners_ - 1];
    pages_[owners_ - 1][noted++ % kPagesOfOwner] = PageOf(object);
  }

  // In ascending order, each once.
  std::vector<PageIndex> Take() const {
    std::vector<PageIndex> pages;
    for (uint32_t owner = 0; owner < owners_; ++owner) {
      const auto begin = pages_[owner].begin();
      pages.insert(pages.end(), begin, begin + std::min(noted_[owner], kPagesOfOwner));
    }
    std::sort(pages.begin(), pages.end());
    pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
    return pages;
  }

 private:
  uint32_t owners_ = 0;
  std::array<uint32_t, kOwners> noted_ = {};
  std::array<std::array<PageIndex, kPagesOfOwner>, kOwners> pages_ = {};
};

}  // namespace faultline
