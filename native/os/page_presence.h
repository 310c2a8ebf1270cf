// Page presence: the pages of a range for which this process's page tables have an entry, whatever caused it.  For checks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

// ENOTTY before Linux 6.7; the error of open() if /proc/self/pagemap is not accessible.  10 us a GiB without entries.
Result<uint64_t> PresentPages(const uint8_t* start, size_t bytes);

}  // namespace faultline
