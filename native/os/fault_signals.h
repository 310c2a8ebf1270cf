// Fault signals: SIGBUS and SIGSEGV handlers that serve our heaps and pass everything else on.
//
// A heap registers the address range of its mutator view and a function.  The handler finds the range without locks or
// allocation, saves errno, calls the function; an address that is nobody's, or that the function refuses, goes to the
// handler that was there before (V8's WebAssembly trap handler, a crash reporter, or the default action).
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

enum class FaultSignal { kBus, kSegmentation };

// Returns false when the access is not one the heap can make good.  Runs on the faulting thread, inside the handler.
using FaultFunction = bool (*)(void* context, uintptr_t address);

inline constexpr int kMaxFaultRanges = 1024;

// Returns a slot, or -1 when kMaxFaultRanges heaps exist.
int AddFaultRange(void* start, size_t bytes, FaultFunction serve, void* context);
void RemoveFaultRange(int slot);

// Installs our handler, or puts it back if somebody replaced it since (process.on('SIGBUS') does); the newcomer is
// chained to.  Cheap enough for every flip: one rt_sigaction when nothing changed.
Status EnsureFaultHandler(FaultSignal signal);

// Whether the calling thread blocks the signal; such a thread must not touch a heap.
bool ThreadBlocks(FaultSignal signal);

}  // namespace faultline
