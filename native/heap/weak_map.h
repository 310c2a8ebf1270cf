// Weak map: a hash table from objects to references, whose entries last as long as their keys.
//
//     map     reference: table │ lock │ used
//     table   elements of kind kEphemeron, a power of two of them; open addressing by a keyed hash (heap/keyed_hash.h) of the identity hash
//             (heap/identity_hash.h)
//
//   pair (key, value)   means
//   (0, 0)              free: never used, ends a search
//   (key, value)        an entry
//   (table, 0)          a removed entry: removed by a mutator or, because its key died, by the collector
//
//   transition            who                       how                                       partner
//   free, removed → entry a mutator with the lock   value, then key, store release            tracers' acquire load of the key
//   entry → removed       a mutator with the lock   value := 0, then key := table, release    the same
//   entry → removed       the collector, dead keys  CAS release of the pair, through A,       the acquire load of the key
//                                                   without the lock
//
// A mutator with the lock never writes to an entry unless it holds the entry's key itself, and the collector only removes entries whose
// keys no mutator holds.  But a mutator may reuse the place of a removed entry at once, and a collector thread may be late with a pair that
// another one has cleared.  So the collector replaces a pair, which is one word, only if it is still the pair that was read.  A mutator
// reads each key once: if it read an entry twice, the entry might have been removed in between.
//
// One operation is one critical section: operations on a map are linearizable, at the release of its lock.  No thread comes to a safepoint
// inside, so none is stopped or parked while it holds the lock, and raw references stay valid.  A thread that waits for the lock gives up
// after some spinning; its caller parks for a moment.
//
// The functions run on a mutator's thread, in the running state, on the mutator view.
#pragma once

#include "heap/heap.h"
#include "heap/mutator.h"

namespace faultline {

struct WeakMapSlots {  // u32 slots of the map object.
  static constexpr uint32_t kTable = 2;
  static constexpr uint32_t kLock = 3;
  static constexpr uint32_t kUsed = 4;  // Pairs of the table that are not free.
};

enum class WeakMapAnswer : uint32_t {
  kDone,
  kAbsent,
  kContended,    // Another thread has the lock: park for a moment, try again.
  kTableNeeded,  // Allocate a table of *wanted pairs, call WeakMapInstall, try again.
  kNoIdentity,   // The key's shape has no place for an identity hash.
  kNotAnObject,  // The key is not an object, or the value is neither an object nor null nor a small integer.
};

inline constexpr uint32_t kLeastWeakMapPairs = 8;

// Where the search for the key begins.  Keyed, because identity hashes are predictable, and a program could otherwise choose as keys just
// those objects whose searches begin at the same place.  0 when the key has no identity.
uint32_t WeakMapHash(Heap& heap, WordIndex key);

WeakMapAnswer WeakMapGet(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key, uint32_t* value);
WeakMapAnswer WeakMapSet(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key, uint32_t value, uint32_t* wanted);
WeakMapAnswer WeakMapDelete(Heap& heap, Mutator& mutator, WordIndex map, WordIndex key);
// Moves the live entries to `table`, which is new and zeroed, and makes it the map's table; does nothing if the map's own table has room by
// now, or `table` would be too small.
WeakMapAnswer WeakMapInstall(Heap& heap, Mutator& mutator, WordIndex map, WordIndex table);

}  // namespace faultline
