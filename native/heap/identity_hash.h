// Identity hash: a number that stays with an object when it moves, created when it is first asked for.
//
// An object without elements keeps it where its element count would be, in the second slot of its header: it takes no memory and moves with
// the object.  The shape of an object with elements needs a field for it (Shape::identity_slot).  Addresses cannot serve, since they
// change.  Bacon, Fink & Grove ("Space- and time-efficient implementation of the Java object model", ECOOP 2002) hash the first address and
// let an object grow by a word when it moves, which is cheaper for objects that are never asked; but here new addresses are computed by
// counting words, and an object that grew during a cycle would change all addresses after it.
//
// 31 bits, never 0, stored shifted left by one, hence even, as Shape::Words requires.  It is a scrambled counter: the first two billion
// objects of a process that are asked get different hashes.
#pragma once

#include <atomic>

#include "heap/heap.h"

namespace faultline {

// The caller runs as a mutator.  0 when the object's shape has no place for a hash.
inline uint32_t IdentityHash(Heap& heap, WordIndex object) {
  static std::atomic<uint32_t> counter{0};
  uint32_t* const slots = heap.MutatorSlotsOf(object);
  const uint32_t place = heap.shapes[heap.MutatorHeaderOf(object).shape].identity_slot;
  if (place == 0) return 0;
  // Relaxed: the hash publishes nothing else.  Two threads that ask first agree by the exchange.
  uint32_t stored = __atomic_load_n(&slots[place], __ATOMIC_RELAXED);
  if (stored != 0) return stored >> 1;
  // An odd factor makes it a permutation of the counter.
  uint32_t hash = 0;
  while (hash == 0) hash = (counter.fetch_add(1, std::memory_order_relaxed) + 1) * 0x9e3779b1u & 0x7fffffffu;
  if (__atomic_compare_exchange_n(&slots[place], &stored, hash << 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return hash;
  return stored >> 1;
}

}  // namespace faultline
