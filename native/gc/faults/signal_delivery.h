// Signal delivery: shared by the modes in which a thread serves its own touches, in a signal handler.
#pragma once

#include "os/fault_signals.h"
#include "os/result.h"

namespace faultline {

class PageService;

class SignalDelivery {
 public:
  SignalDelivery(FaultSignal signal, PageService* pages) : signal_(signal), pages_(pages) {}

  // From here on touches of the collector's mutator view are served.
  Status Open();
  void Close();
  // The program may have replaced our handler.
  Status EnsureHandler() { return EnsureFaultHandler(signal_); }

 private:
  const FaultSignal signal_;
  PageService* pages_;
  int range_ = -1;
};

}  // namespace faultline
