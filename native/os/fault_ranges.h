// Fault ranges: the addresses of each heap, and the function that serves touches of them.  Searched in signal handlers, without locks.
//
// A slot of the table passes from heap to heap while threads search it, so its fields are read together: a version counts its changes, is
// even while the fields are stable, and must be the same before and after they are read (a sequence lock: Lamport, "Concurrent reading and
// writing", CACM 1977).
//
//   operation       who                      order                        partner
//   version: odd    a writer with the lock   relaxed, before the fields   the second read, after the fields
//   fields          the same                 store release                the acquire load: a reader of one also sees the odd version
//   version: even   the same                 store release                the acquire of the first read: it makes all the fields visible
//   first read      a handler                load acquire
//   fields          the same                 load acquire
//   second read     the same                 load relaxed, ordered after the fields by their acquire
//
// A slot that changes while it is read is skipped: a heap's own slot is stable as long as any thread may touch its view.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faultline {

// Returns false if the heap cannot serve the access.  Runs on the faulting thread, inside the handler.
using FaultFunction = bool (*)(void* context, uintptr_t address);

inline constexpr int kMaxFaultRanges = 1024;

// Returns a slot, or -1 if kMaxFaultRanges heaps exist.
int AddFaultRange(void* start, size_t bytes, FaultFunction serve, void* context);
void RemoveFaultRange(int slot);

// Whether the address belongs to a heap and the heap has served the touch.  Async-signal-safe.
bool ServeInRange(uintptr_t address);

}  // namespace faultline
