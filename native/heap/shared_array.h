// Shared array: the operations that change a growable array (src/containers/arrays.ts), each of them one critical section.
//
//     array     references: 28 segments │ lock │ version │ length
//     segment n   8 · 2^n elements of one kind, 4 or 8 bytes each
//
//   word      who                                how                                     partner
//   lock      any thread that changes the array  CAS acquire 0 → 1; exchange seq_cst     each other; the exchange also orders a thread's
//                                                to 0                                    changes before what it reads next
//   version   with the lock: odd while the       store relaxed, then the words below;    a reader without the lock, which sees the same
//             length changes                     store release, after them               even version twice (HeapArrays.find)
//   length,   with the lock                      store release: a reader that sees one   a reader without the lock: loads in order
//   segments,                                    also sees the odd version
//   elements
//
// Lock and unlock are inside one native call, without a safepoint: no thread is stopped, parked, terminated or interrupted by a time limit
// or a full stack while it holds the lock, and raw references stay valid.  A thread that waits for the lock gives up after some spinning;
// its caller parks for a moment.
//
// Values pass through the mutator's control block (control::kValue); JavaScript has converted them to the kind of the elements.
//
// The functions run on a mutator's thread, in the running state, on the mutator view.
#pragma once

#include "heap/heap.h"
#include "heap/mutator.h"

namespace faultline {

struct ArraySlots {  // u32 slots of the array object.
  static constexpr uint32_t kSegments = 2;
  static constexpr uint32_t kSegmentCount = 28;
  static constexpr uint32_t kLock = kSegments + kSegmentCount;
  static constexpr uint32_t kVersion = kLock + 1;
  static constexpr uint32_t kLength = kVersion + 1;
};
inline constexpr uint32_t kFirstSegmentLength = 8;

enum class ArrayAnswer {
  kDone,
  kOutOfRange,     // There is no such element.
  kContended,      // Another thread has the lock: park for a moment, try again.
  kChanged,        // Another thread has changed the end of the array.
  kSegmentNeeded,  // Allocate the next segment, call ArrayInstall, try again.
};

ArrayAnswer ArrayPush(Heap& heap, Mutator& mutator, WordIndex array, uint32_t* length);
// With an expected length, pops only if the array has that length and its last element is the value in the control block.
ArrayAnswer ArrayPop(Heap& heap, Mutator& mutator, WordIndex array, uint32_t expected_length);
ArrayAnswer ArraySet(Heap& heap, Mutator& mutator, WordIndex array, uint32_t index);
ArrayAnswer ArrayGet(Heap& heap, Mutator& mutator, WordIndex array, uint32_t index);
// Makes `segment` the array's segment `n`, unless it has one.
ArrayAnswer ArrayInstall(Heap& heap, Mutator& mutator, WordIndex array, uint32_t n, WordIndex segment);

}  // namespace faultline
