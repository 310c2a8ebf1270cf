// Wake event: makes a native thread that waits for a descriptor look at something else.
#pragma once

#include <cstdint>

#include "os/result.h"

namespace faultline {

class WakeEvent {
 public:
  WakeEvent() = default;
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;
  ~WakeEvent();

  Status Open();
  // Any thread.
  void Signal() const;

  enum class Answer { kReadable, kSignalled, kNothing };
  // Until `fd` can be read (if it is not negative), or the event is signalled, which is then forgotten; 0 is no limit.
  Answer WaitFor(int fd, uint32_t limit_ms) const;

 private:
  int event_ = -1;
};

}  // namespace faultline
