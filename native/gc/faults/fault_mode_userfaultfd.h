// The userfaultfd modes.  All arm what is taken away of the mutator view by registering it MISSING|MINOR right after the move; they differ
// in what is told of a fault,
//
//   sigbus   the kernel raises SIGBUS in the faulting thread, which serves itself: 4 us there and back
//   thread   a native thread reads the descriptor; the mutator sleeps in the kernel, even inside a system call
//
// and, for research, in how target pages are filled: built through the alias and shown by UFFDIO_CONTINUE, or (copy-sigbus, copy-thread)
// copied by UFFDIO_COPY into a hole of the file (gc/compaction/copied_targets.h).  All of them show pages in place by UFFDIO_CONTINUE.
#pragma once

#include <pthread.h>

#include <atomic>

#include "gc/faults/fault_mode.h"
#include "gc/faults/signal_delivery.h"
#include "os/userfaultfd.h"

namespace faultline {

class UserfaultfdFaultMode : public FaultMode {
 public:
  UserfaultfdFaultMode(FaultModeKind kind, PageService* pages) : kind_(kind), pages_(pages) {}

  FaultModeKind kind() const override { return kind_; }
  Status Open() override;
  void Close() override;
  Status Flip() override;
  void Show(PageIndex first, uint32_t count) override;
  void Fill(PageIndex first, uint32_t count, const uint8_t* contents) override;
  void Disarm() override;
  UserfaultfdOpening opened_by() const override { return descriptor_.opened_by(); }

 protected:
  const FaultModeKind kind_;
  PageService* pages_;
  Userfaultfd descriptor_;
};

class SigbusFaultMode final : public UserfaultfdFaultMode {
 public:
  using UserfaultfdFaultMode::UserfaultfdFaultMode;
  Status Open() override;
  void Close() override;
  Status Flip() override;
  void KeepHandler() override { (void)delivery_.EnsureHandler().ok(); }

 private:
  SignalDelivery delivery_{FaultSignal::kBus, pages_};
};

class ThreadFaultMode final : public UserfaultfdFaultMode {
 public:
  using UserfaultfdFaultMode::UserfaultfdFaultMode;
  Status Open() override;
  void Close() override;
  bool SendBack(PageIndex page) override;
  bool AskAgain(PageIndex page, uint32_t cycle) override;

 private:
  static void* Main(void* self);
  void Serve();

  // A registered page with no other use: touching it tells the thread, which sleeps in read(), to end.  Inaccessible until then, so that
  // nothing else can touch it (mlockall, process_vm_readv).
  uint8_t* wake_page_ = nullptr;
  uint32_t served_thread_ = 0;
  // The suspect page, and how often it was touched; only the handler thread uses these.
  PageIndex suspect_page_{0};
  uint32_t suspect_cycle_ = 0;
  uint32_t suspect_touches_ = 0;
  // Stored with release by the thread as its very last act, loaded with acquire by Close.
  std::atomic<bool> ended_{true};
};

}  // namespace faultline
