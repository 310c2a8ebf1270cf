// Page presence: which pages of a range this process's page tables hold an entry for, whoever caused it.  For checks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

// ENOTTY before Linux 6.7; whatever open() says where /proc/self/pagemap is withheld.  10 us a GiB without entries.
Result<uint64_t> PresentPages(const uint8_t* start, size_t bytes);

}  // namespace faultline
