// Page size: of every kernel that a heap is made on; others are refused before anything is mapped (src/heap/heap-set-up.ts).
#pragma once

#include <cstddef>

namespace faultline {

inline constexpr size_t kPageSize = 4096;

}  // namespace faultline
