#include "os/random.h"

#include <sys/random.h>
#include <cerrno>

#include <cstdint>

#include "os/refusals.h"

namespace faultline {

Status FillRandom(void* bytes, size_t count) {
  if (const int refused = Refused(SystemCall::kGetrandom); refused != 0) return SysError{refused, "getrandom"};
  for (size_t done = 0; done < count;) {
    const ssize_t got = getrandom(static_cast<uint8_t*>(bytes) + done, count - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SysError{errno, "getrandom"};
    done += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace faultline
