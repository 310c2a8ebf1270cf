// Invariant: our own bugs end the process at once, naming the law that was broken.
//
// A check is always on and costs one compare.  The message quotes the letter of the invariant in docs/concurrency.md.  Usable in the fault
// handler: it writes with write(2) and aborts.
#pragma once

#include <cstdint>

namespace faultline {

[[noreturn]] void InvariantFailed(const char* file, int line, const char* law, uint64_t a = 0, uint64_t b = 0);

}  // namespace faultline

#define FAULTLINE_CHECK(condition, law, ...)                                            \
  do {                                                                                  \
    if (__builtin_expect(!(condition), 0)) {                                            \
      ::faultline::InvariantFailed(__FILE__, __LINE__, law __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                                   \
  } while (0)
