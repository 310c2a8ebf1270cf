// Sizes of objects, in words with their headers: a distribution with given percentiles and mean.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "parameters.h"
#include "random.h"

namespace faultline::peers {

class SizeDistribution {
 public:
  explicit SizeDistribution(const Parameters& parameters)
      : words_10_(std::max(kLeastWords, static_cast<int>(parameters.Count("objectBytesP10") >> 3))),
        words_50_(std::max(words_10_, static_cast<int>(parameters.Count("objectBytesP50") >> 3))),
        words_90_(std::max(words_50_, static_cast<int>(parameters.Count("objectBytesP90") >> 3))) {
    // Nine tenths of the objects lie between the percentiles; the mean says how large the largest tenth has to be.
    const double rest = 0.1 * words_10_ + 0.2 * (words_10_ + words_50_) + 0.2 * (words_50_ + words_90_);
    const double tail = (parameters.Number("objectBytesMean") / 8 - rest) * 10;
    most_words_ = std::max(words_90_, static_cast<int>(std::floor(2 * tail)) - words_90_);
  }

  uint32_t Pick(Random& random) const {
    const double share = random.Fraction();
    if (share < 0.1) return static_cast<uint32_t>(words_10_);
    if (share < 0.5) return Between(random, words_10_, words_50_);
    if (share < 0.9) return Between(random, words_50_, words_90_);
    return Between(random, words_90_, most_words_);
  }

  // Reference fields of an object of that size: at least one, and room for the stamp is left.
  static uint32_t ReferencesOf(uint32_t words, double density) {
    uint32_t references = std::clamp(static_cast<uint32_t>(std::floor(density * words + 0.5)), 1u, kMostReferences);
    while (1 + ((references + 1) >> 1) + 1 > words) --references;
    return references;
  }

 private:
  // Header, one word of references, the stamp.
  static constexpr int kLeastWords = 3;
  static constexpr uint32_t kMostReferences = 8;

  static uint32_t Between(Random& random, int least, int most) {
    return static_cast<uint32_t>(least) + random.Below(static_cast<uint32_t>(most - least + 1));
  }

  const int words_10_;
  const int words_50_;
  const int words_90_;
  int most_words_;
};

}  // namespace faultline::peers
