// Fault reader: the native thread that reads a descriptor's messages and tells JavaScript that there are some.
//
// A thread of its own, because the JavaScript thread may be the one that has touched a page, or that waits in a system call which its own
// event blocks (a fork, an munmap).  It needs no JavaScript, holds no lock while it waits, and reads no further while the queue is full:
// what blocks its caller until it is read keeps doing so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "os/result.h"
#include "os/wake_event.h"
#include "pages/fault_descriptor.h"

namespace faultline {

class FaultReader : public std::enable_shared_from_this<FaultReader> {
 public:
  // `arrived` is called on a thread of the reader's, and must not block.
  static Result<std::shared_ptr<FaultReader>> Start(std::shared_ptr<FaultDescriptor> descriptor, std::function<void()> arrived,
                                                    bool forks_have_events);

  explicit FaultReader(std::shared_ptr<FaultDescriptor> descriptor) : descriptor_(std::move(descriptor)) {}

  // When it returns, `arrived` is called no more.
  void Stop();

  // JavaScript has ended, and the process is about to.  If threads still wait after a moment, it ends with this code, because Node would
  // wait for them for ever.
  void EndWith(int exit_code);

 private:
  using Body = void (FaultReader::*)();
  struct Thread {
    std::shared_ptr<FaultReader> reader;
    Body body;
  };

  Status StartThread(Body body);
  static void* Main(void* thread);
  void Read();
  void Tell();
  void EndIfWaitedFor();

  static constexpr int kNotEnding = -1;

  const std::shared_ptr<FaultDescriptor> descriptor_;
  std::function<void()> arrived_;
  WakeEvent event_;
  bool has_teller_ = false;
  std::atomic<bool> stop_{false};           // Release, acquire.
  std::atomic<uint32_t> news_{0};           // A futex, counts; release, acquire: the messages are queued.
  std::atomic<uint32_t> started_{0};        // A futex, counts threads; release, acquire.
  std::atomic<uint32_t> ended_{0};          // The same: the thread calls `arrived` no more.
  std::atomic<int> exit_code_{kNotEnding};  // Relaxed.
};

}  // namespace faultline
