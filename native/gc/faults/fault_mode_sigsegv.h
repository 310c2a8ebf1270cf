// The mprotect mode: no userfaultfd at all.  The flip makes what it has emptied of the view PROT_NONE, so that every touch raises
// SIGSEGV; the thread builds the page's unit through the alias and makes the unit accessible.  The classic page barrier
// (Appel, Ellis & Li, PLDI 1988; the Compressor itself), here for containers that forbid userfaultfd.
//
// Every boundary between protected and accessible memory costs one of the process's 65,530 VMAs, so a unit is at least 1/8192 of the heap.
#pragma once

#include <atomic>

#include "gc/faults/fault_mode.h"
#include "gc/faults/signal_delivery.h"

namespace faultline {

class SigsegvFaultMode final : public FaultMode {
 public:
  explicit SigsegvFaultMode(PageService* pages);

  FaultModeKind kind() const override { return FaultModeKind::kSigsegv; }
  Status Open() override { return delivery_.Open(); }
  void Close() override { delivery_.Close(); }
  Status Flip() override;
  void Show(PageIndex first, uint32_t count) override;
  void Disarm() override;
  void KeepHandler() override { (void)delivery_.EnsureHandler().ok(); }
  uint32_t unit_pages() const override { return unit_pages_; }

 private:
  static constexpr uint32_t kMaxUnits = 8192;

  PageService* pages_;
  SignalDelivery delivery_;
  uint32_t unit_pages_ = 1;
  std::atomic<uint32_t> shows_{0};  // Orders the calls of Show; its value means nothing.
};

}  // namespace faultline
