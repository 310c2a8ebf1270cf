// Fault ranges: which addresses are a heap's, and who serves a touch of them.  Looked up in signal handlers, without locks.
//
// A slot of the table goes from heap to heap while threads look through it, so its fields are read as one: its number of changes is even
// while they stand still, and the same before and after they were read (a sequence lock: Lamport, "Concurrent reading and writing",
// CACM 1977).
//
//   operation      who                      order                        partner
//   change: odd    a writer with the lock   relaxed, before the fields   the second look, behind the fields
//   fields         the same                 store release                the acquire load: who sees one sees that the number has changed
//   change: even   the same                 store release                the acquire of the first look: who sees it sees all the fields
//   first look     a handler                load acquire
//   fields         the same                 load acquire
//   second look    the same                 load relaxed, ordered behind the fields by their acquire
//
// A slot that changes while it is looked at is passed over: a heap's own slot stands still for as long as any thread may touch its view.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faultline {

// Returns false when the access is not one the heap can make good.  Runs on the faulting thread, inside the handler.
using FaultFunction = bool (*)(void* context, uintptr_t address);

inline constexpr int kMaxFaultRanges = 1024;

// Returns a slot, or -1 when kMaxFaultRanges heaps exist.
int AddFaultRange(void* start, size_t bytes, FaultFunction serve, void* context);
void RemoveFaultRange(int slot);

// Whether the address is a heap's, and the heap has served the touch.  Async-signal-safe.
bool ServeInRange(uintptr_t address);

}  // namespace faultline
