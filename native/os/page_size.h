// Page size: the only one that is supported; kernels with another are refused before anything is mapped (src/heap/heap-set-up.ts).
#pragma once

#include <cstddef>

namespace faultline {

inline constexpr size_t kPageSize = 4096;

}  // namespace faultline
