// Random: bytes that cannot be predicted from outside the process.
#pragma once

#include <cstddef>

#include "os/result.h"

namespace faultline {

// Fills `bytes` from the kernel's generator (getrandom).
Status FillRandom(void* bytes, size_t count);

}  // namespace faultline
