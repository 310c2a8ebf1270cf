// FaultMode: how a mutator that touches a page too early is held, and how the page is shown to it.
//
// docs/minor-faults.md compares the modes; src/gc/fault-modes.ts has their table, and kFaultModes the part that native code needs.  The
// same collector runs on all of them; everything that differs is in this interface.  A research mode is used only when a program asks for
// it.
#pragma once

#include <cstdint>
#include <memory>

#include "heap/layout.h"
#include "os/result.h"
#include "os/userfaultfd.h"

namespace faultline {

class PageService;
class Heap;

enum class FaultModeKind : uint8_t { kSigbus, kThread, kSigsegv, kStw, kCopySigbus, kCopyThread, kNone, kLoadBarrier, kMove };

// What learns that a mutator touched a page too early.
enum class HeldBy : uint8_t { kNothing, kBusSignal, kSegmentationSignal, kThread };

struct FaultModeTraits {
  FaultModeKind kind;
  const char* name;
  HeldBy held_by;
  bool copies;  // Target pages are holes of the file until UFFDIO_COPY fills them.
  bool collects;
  bool barriered_loads;  // The view is never taken away; mutators load references through heap/load_barrier.h.
};

inline constexpr FaultModeTraits kFaultModes[] = {
    {FaultModeKind::kSigbus, "sigbus", HeldBy::kBusSignal, false, true, false},
    {FaultModeKind::kThread, "thread", HeldBy::kThread, false, true, false},
    {FaultModeKind::kSigsegv, "sigsegv", HeldBy::kSegmentationSignal, false, true, false},
    {FaultModeKind::kStw, "stw", HeldBy::kNothing, false, true, false},
    {FaultModeKind::kCopySigbus, "copy-sigbus", HeldBy::kBusSignal, true, true, false},
    {FaultModeKind::kCopyThread, "copy-thread", HeldBy::kThread, true, true, false},
    {FaultModeKind::kNone, "none", HeldBy::kNothing, false, false, false},
    {FaultModeKind::kLoadBarrier, "load-barrier", HeldBy::kNothing, false, true, true},
    {FaultModeKind::kMove, "move", HeldBy::kBusSignal, false, true, false},
};
constexpr const FaultModeTraits& TraitsOf(FaultModeKind kind) { return kFaultModes[static_cast<uint8_t>(kind)]; }
constexpr bool EachModeHasItsRow() {
  uint8_t index = 0;
  for (const FaultModeTraits& row : kFaultModes) {
    if (static_cast<uint8_t>(row.kind) != index++) return false;
  }
  return true;
}
static_assert(EachModeHasItsRow());

inline const char* NameOf(FaultModeKind kind) { return TraitsOf(kind).name; }

class FaultMode {
 public:
  virtual ~FaultMode() = default;

  virtual FaultModeKind kind() const = 0;
  // Before the first cycle.  On failure the mode cannot be used on this machine.
  virtual Status Open() = 0;
  // Ends what Open began; no mutator exists any more.
  virtual void Close() = 0;

  // In the flip pause: takes the page tables of the ranges of the mutator view that are chosen (gc/compaction/taken_away.h) away and arms
  // them; pages that others put into them in between are gone (S).  On failure the view is ordinary memory, with the page tables that it
  // had or with none.
  virtual Status Flip() = 0;
  // The pages are built; show them.  Any thread, fault handlers included.
  virtual void Show(PageIndex first, uint32_t count) = 0;
  // Modes that copy: puts finished target pages into their holes, and shows them.  Any thread, fault handlers included.
  virtual void Fill(PageIndex, uint32_t /*count*/, const uint8_t* /*contents*/) {}
  // Every page is built: back to ordinary memory.
  virtual void Disarm() = 0;
  // Thread mode: wakes the threads that sleep on the page, so that they touch it again, and returns true.  The serving thread is not a
  // mutator and no flip waits for it, so outside the gate this is all it may do, because it cannot tell which cycle it is in.
  virtual bool SendBack(PageIndex) { return false; }
  // A touch of a page that no mutator may touch.  True if the message may be left over from an earlier cycle; threads that still sleep on
  // the page, if any, were woken to touch it again.  False if the touch is certainly a mistake.
  virtual bool AskAgain(PageIndex, uint32_t /*cycle*/) { return false; }
  // Called from time to time while armed: the program may have replaced our signal handler.
  virtual void KeepHandler() {}

  // Pages are shown in aligned groups of this many (a power of two).
  virtual uint32_t unit_pages() const { return 1; }
  virtual bool builds_in_pause() const { return false; }
  virtual UserfaultfdOpening opened_by() const { return UserfaultfdOpening::kNone; }
};

std::unique_ptr<FaultMode> MakeFaultMode(FaultModeKind kind, PageService* pages);

}  // namespace faultline
