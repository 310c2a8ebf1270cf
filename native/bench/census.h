// Census: what a mutator has allocated, for the nominal statistics of a workload (after those of the DaCapo suite).
#pragma once

#include <cstdint>

namespace faultline::bench {

struct Census {
  // Objects by size in words; the last entry counts all larger ones.
  static constexpr uint32_t kSizes = 4096;

  uint64_t objects_of_words[kSizes] = {};
  uint64_t words = 0;
  uint64_t reference_slots = 0;

  void Count(uint64_t object_words, uint64_t references) {
    ++objects_of_words[object_words < kSizes ? object_words : kSizes - 1];
    words += object_words;
    reference_slots += references;
  }
};

}  // namespace faultline::bench
