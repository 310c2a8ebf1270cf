// Fault signals: SIGBUS and SIGSEGV handlers that serve our heaps and pass everything else on.
//
// The handler finds the heap of an address (os/fault_ranges.h) and lets it serve the fault.  Faults outside every heap, those that the heap
// refuses, and signals that were sent go to the previously installed action (V8's WebAssembly trap handler, a crash reporter, the default),
// which then does what it would have done without us (os/chained_action.h).
//
// The program may replace our handler at any time, and the new handler often keeps the one that it has replaced, to call it or to put it
// back.  So we have not one handler function but one for each action in front of which it was ever put:
//
//     the kernel ──▶ ours 1 ──▶ the new handler ──▶ ours 0, which it has replaced ──▶ the first action
//
// Code that calls one of them, or puts it back, gets what it would have found there without us, and handlers that pass signals on never
// call each other in a circle.
#pragma once

#include "os/result.h"

namespace faultline {

enum class FaultSignal { kBus, kSegmentation };

// Installs our handler, or puts it back, in front of the new one, if it was replaced (process.on('SIGBUS') does that).  Cheap enough for
// every flip: one rt_sigaction if nothing changed.
Status EnsureFaultHandler(FaultSignal signal);

// Whether the calling thread blocks the signal; such a thread must not touch a heap.
bool ThreadBlocks(FaultSignal signal);

}  // namespace faultline
