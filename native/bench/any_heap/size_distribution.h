// Size distribution: sizes of objects in words with their headers, of given percentiles and mean.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "random.h"

namespace faultline::bench {

inline constexpr uint32_t kMostReferences = 8;

class SizeDistribution {
 public:
  explicit SizeDistribution(const auto& parameters)
      : words_10_(std::max(kLeastWords, parameters.Count("objectBytesP10") >> 3)),
        words_50_(std::max(words_10_, parameters.Count("objectBytesP50") >> 3)),
        words_90_(std::max(words_50_, parameters.Count("objectBytesP90") >> 3)) {
    // Nine tenths of the objects lie between the percentiles; the mean says how large the largest tenth has to be.
    const double rest = 0.1 * words_10_ + 0.2 * (words_10_ + words_50_) + 0.2 * (words_50_ + words_90_);
    const double tail = (parameters.Number("objectBytesMean") / 8 - rest) * 10;
    const double most = std::floor(2 * tail) - words_90_;
    most_words_ = most > words_90_ ? static_cast<uint32_t>(most) : words_90_;
  }

  uint32_t Pick(Random& random) const {
    const double share = random.Fraction();
    if (share < 0.1) return words_10_;
    if (share < 0.5) return Between(random, words_10_, words_50_);
    if (share < 0.9) return Between(random, words_50_, words_90_);
    return Between(random, words_90_, most_words_);
  }

  // Reference fields of an object of that size: at least one, and room for the stamp is left.
  static uint32_t ReferencesOf(uint32_t words, double density) {
    auto references = static_cast<uint32_t>(std::clamp(std::floor(density * words + 0.5), 1.0, double{kMostReferences}));
    while (1 + ((references + 1) >> 1) + 1 > words) --references;
    return references;
  }

 private:
  // Header, one word of references, the stamp.
  static constexpr uint32_t kLeastWords = 3;

  static uint32_t Between(Random& random, uint32_t least, uint32_t most) { return least + random.Below(most - least + 1); }

  const uint32_t words_10_;
  const uint32_t words_50_;
  const uint32_t words_90_;
  uint32_t most_words_;
};

}  // namespace faultline::bench
