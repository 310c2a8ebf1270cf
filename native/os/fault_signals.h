// Fault signals: SIGBUS and SIGSEGV handlers that serve our heaps and pass everything else on.
//
// The handler finds whose an address is (os/fault_ranges.h) and lets the heap serve it.  An address that is nobody's, or that the heap
// refuses, and a signal that was sent, go to the action that was there before (V8's WebAssembly trap handler, a crash reporter, the
// default), and what that one does is what it would have done without us (os/chained_action.h).
//
// The program may replace our handler at any time, and often the newcomer keeps what it has replaced, to call it or to put it back.  So
// ours is not one function but one for each action that it was ever put in front of:
//
//     the kernel ──▶ ours 1 ──▶ the newcomer ──▶ ours 0, which it has replaced ──▶ who was there first
//
// Whoever calls, or puts back, one of them gets what it would have found there without us, and handlers that pass on what they do not want
// never go round in a circle.
#pragma once

#include "os/result.h"

namespace faultline {

enum class FaultSignal { kBus, kSegmentation };

// Installs our handler, or puts it back if somebody replaced it since (process.on('SIGBUS') does), in front of the newcomer.  Cheap enough
// for every flip: one rt_sigaction when nothing changed.
Status EnsureFaultHandler(FaultSignal signal);

// Whether the calling thread blocks the signal; such a thread must not touch a heap.
bool ThreadBlocks(FaultSignal signal);

}  // namespace faultline
