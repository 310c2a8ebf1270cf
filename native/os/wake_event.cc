#include "os/wake_event.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace faultline {

WakeEvent::~WakeEvent() {
  if (event_ >= 0) close(event_);
}

Status WakeEvent::Open() {
  event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_ < 0) return SysError{errno, "eventfd"};
  return {};
}

void WakeEvent::Signal() const {
  const uint64_t one = 1;
  // Full only if it is signalled already.
  (void)!write(event_, &one, sizeof(one));
}

WakeEvent::Answer WakeEvent::WaitFor(int fd, uint32_t limit_ms) const {
  pollfd waits[2] = {{event_, POLLIN, 0}, {fd, POLLIN, 0}};
  if (poll(waits, 2, limit_ms == 0 ? -1 : static_cast<int>(limit_ms)) <= 0) return Answer::kNothing;
  if (waits[0].revents != 0) {
    uint64_t count = 0;
    (void)!read(event_, &count, sizeof(count));
    return Answer::kSignalled;
  }
  return Answer::kReadable;
}

}  // namespace faultline
