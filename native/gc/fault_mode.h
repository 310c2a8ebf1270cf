// FaultMode: how a mutator that touches a page too early is held, and how the page is shown to it.
//
//   mode      held by                                    shown by          for
//   sigbus    userfaultfd, SIGBUS in the thread itself    UFFDIO_CONTINUE   the default
//   thread    userfaultfd, read by a handler thread       UFFDIO_CONTINUE   heaps whose pages go to system calls
//   sigsegv   PROT_NONE, SIGSEGV in the thread itself     mprotect          where userfaultfd is forbidden
//   stw       nothing: all pages are built in the pause   –                 baseline and last resort
//
// The same collector runs on all of them; this interface is everything that differs.
#pragma once

#include <cstdint>
#include <memory>

#include "heap/layout.h"
#include "os/result.h"
#include "os/userfaultfd.h"

namespace faultline {

class Collector;
class Heap;

enum class FaultModeKind : uint8_t { kSigbus, kThread, kSigsegv, kStw };
const char* NameOf(FaultModeKind kind);

class FaultMode {
 public:
  virtual ~FaultMode() = default;

  virtual FaultModeKind kind() const = 0;
  // Before the first cycle.  On failure the mode cannot be used on this machine.
  virtual Status Open() = 0;
  // Ends whatever Open began; no mutator exists any more.
  virtual void Close() = 0;

  // In the flip pause: swap the views and arm the mutator view.  On failure everything is as it was.
  virtual Status Flip() = 0;
  // The pages are built; show them.  Any thread, fault handlers included.
  virtual void Show(PageIndex first, uint32_t count) = 0;
  // Every page is built: back to ordinary memory.
  virtual void Disarm() = 0;
  // Thread mode: wakes whoever sleeps on the page, to touch it again, and says true.  The thread that serves is no mutator,
  // no flip waits for it; so outside the gate this is all that it may do, in whatever cycle it finds itself.
  virtual bool SendBack(PageIndex) { return false; }
  // A touch of a page that nobody may touch.  True when it may be the memory of an earlier cycle's fault and whoever still
  // waits for the page, if anybody, was sent to touch it again; false when there is no doubt.
  virtual bool AskAgain(PageIndex, uint32_t /*cycle*/) { return false; }
  // Called now and then while armed: the program may have replaced our signal handler.
  virtual void KeepHandler() {}

  // Pages are shown in aligned groups of this many (a power of two).
  virtual uint32_t unit_pages() const { return 1; }
  virtual bool builds_in_pause() const { return false; }
  virtual UserfaultfdDoor door() const { return UserfaultfdDoor::kNone; }
};

std::unique_ptr<FaultMode> MakeFaultMode(FaultModeKind kind, Collector* collector);

}  // namespace faultline
