// Verification: walks everything that is reachable and takes nothing for granted.
//
// The world is stopped and no cycle compacts.  Every reference must point at the header of an object of a known shape that lies within used
// pages of one region (or owns its regions) and overlaps no other object.  An object held weakly need not be reachable, but must still be
// an object (W).  Ends the process at the first violation, naming it; otherwise returns the number of reachable objects.
#pragma once

#include <cstdint>

#include "heap/heap.h"

namespace faultline {

uint64_t VerifyHeap(Heap& heap);

// The same, and every reachable object must be marked, unless it is younger than what the marking decided on: when marking ends (M), and
// before each later wave of its cycle (B).
uint64_t VerifyMarks(Heap& heap);

}  // namespace faultline
