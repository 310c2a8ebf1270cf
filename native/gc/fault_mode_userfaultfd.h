// The two userfaultfd modes.  Both arm the mutator view by registering it MISSING|MINOR right after the swap and show
// pages with UFFDIO_CONTINUE; they differ in who is told of a fault.
//
//   sigbus   the kernel raises SIGBUS in the faulting thread, which serves itself: 4 us there and back
//   thread   a native thread reads the descriptor; the mutator sleeps in the kernel, also inside a system call
#pragma once

#include <pthread.h>

#include <atomic>

#include "gc/fault_mode.h"
#include "os/userfaultfd.h"

namespace faultline {

class UserfaultfdFaultMode : public FaultMode {
 public:
  explicit UserfaultfdFaultMode(Collector* collector) : collector_(collector) {}

  Status Flip() override;
  void Show(PageIndex first, uint32_t count) override;
  void Disarm() override;
  UserfaultfdDoor door() const override { return descriptor_.door(); }

 protected:
  Collector* collector_;
  Userfaultfd descriptor_;
};

class SigbusFaultMode final : public UserfaultfdFaultMode {
 public:
  using UserfaultfdFaultMode::UserfaultfdFaultMode;
  FaultModeKind kind() const override { return FaultModeKind::kSigbus; }
  Status Open() override;
  void Close() override;
  Status Flip() override;
  void KeepHandler() override;

 private:
  int range_ = -1;
};

class ThreadFaultMode final : public UserfaultfdFaultMode {
 public:
  using UserfaultfdFaultMode::UserfaultfdFaultMode;
  FaultModeKind kind() const override { return FaultModeKind::kThread; }
  Status Open() override;
  void Close() override;
  bool SendBack(PageIndex page) override;
  bool AskAgain(PageIndex page, uint32_t cycle) override;

 private:
  static void* Main(void* self);
  void Serve();

  // A registered page of nobody's: touching it tells the thread, which sleeps in read(), to end.
  uint8_t* farewell_page_ = nullptr;
  // The doubtful page, and how often it came; the handler thread's own.
  PageIndex doubtful_page_ = 0;
  uint32_t doubtful_cycle_ = 0;
  uint32_t doubts_ = 0;
  // release by the thread as its very last act, acquire by Close.
  std::atomic<bool> ended_{true};
};

}  // namespace faultline
