#include "os/invariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace faultline {

void InvariantFailed(const char* file, int line, const char* law, uint64_t a, uint64_t b) {
  // snprintf with %s, %d and %llx does not allocate, which is good enough inside a signal handler that is about to end the process.
  char text[512];
  const int length = snprintf(text, sizeof text, "faultline: invariant broken at %s:%d: %s (0x%llx, 0x%llx)\n", file, line, law,
                              static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
  if (length > 0) {
    [[maybe_unused]] const ssize_t written =
        write(STDERR_FILENO, text, static_cast<size_t>(length) < sizeof text ? static_cast<size_t>(length) : sizeof text - 1);
  }
  abort();
}

}  // namespace faultline
