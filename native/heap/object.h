// Object: what an object is in memory.  The header, where its slots are and what each of them is; everything that reads objects does it
// by these (but the verifier, which is there to contradict).
//
//     word         0                           1 …                  fixed_words …
//                  header: shape id, count     fields               elements
//     u32 slot     0          1                2 …                  fixed_words * 2 …
//
// Slots are walked run by run: all slots of a run are of one kind, so that the loop over them has no branch on it, and a piece of a run (a
// page, a slice of an array) is a loop with other bounds.  Most objects have nothing but references; what is special about others is
// asked for apart, so that the loops that matter inline the first part and call the second.
#pragma once

#include "heap/shapes.h"

// Also in functions for which the compiler may use instructions that others may not (gc/compaction/page_building.cc).
#define FAULTLINE_INLINE __attribute__((always_inline)) inline

namespace faultline {

// `shape` is 0 until the memory is an object.  `count` is that of its elements; without elements, see heap/identity_hash.h.
struct Header {
  ShapeId shape;
  uint32_t count;
};

// One relaxed load: a mutator may be about to write it, count first, then shape.
FAULTLINE_INLINE Header HeaderAt(const uint64_t* words, WordIndex object) {
  const uint64_t word = __atomic_load_n(words + object, __ATOMIC_RELAXED);
  return {ShapeId(word), static_cast<uint32_t>(word >> 32)};
}

// The object's u32 slots, its header's first.
FAULTLINE_INLINE uint32_t* SlotsAt(uint64_t* words, WordIndex object) { return reinterpret_cast<uint32_t*>(words + object); }
FAULTLINE_INLINE const uint32_t* SlotsAt(const uint64_t* words, WordIndex object) {
  return reinterpret_cast<const uint32_t*>(words + object);
}

// Calls run(kind, first, last) for what ForEachSlotRun leaves out of a special shape.  No run is of kind kNone or kData.  Elements of
// kEphemeron are two slots, key and value.
template <typename Run>
FAULTLINE_INLINE void ForEachSpecialRun(const Shape& shape, uint32_t count, Run run) {
  const uint64_t tagged = kHeaderSlots + shape.reference_fields;
  run(ElementKind::kTagged, tagged, tagged + shape.tagged_fields);
  if (!shape.has_slots_as_elements()) return;
  const uint64_t elements = shape.FirstElementSlot();
  run(shape.element_kind, elements, elements + shape.ElementSlots(count));
}

// Calls references(first, last) for each run of u32 slots [first, last) in which nothing but references are.  special() is called for an
// object that has others as well, instead of the runs behind its reference fields.
template <typename References, typename Special>
FAULTLINE_INLINE void ForEachSlotRun(const Shape& shape, uint32_t count, References references, Special special) {
  references(uint64_t{kHeaderSlots}, uint64_t{kHeaderSlots} + shape.reference_fields);
  if (shape.is_special != 0) {
    special();
  } else if (shape.element_kind == ElementKind::kReference) {
    const uint64_t elements = shape.FirstElementSlot();
    references(elements, elements + count);
  }
}

// The same where no loop is hot: run(kind, first, last) for all of them.
template <typename Run>
FAULTLINE_INLINE void ForEachSlotRun(const Shape& shape, uint32_t count, Run run) {
  ForEachSlotRun(
      shape, count, [&](uint64_t first, uint64_t last) { run(ElementKind::kReference, first, last); },
      [&] { ForEachSpecialRun(shape, count, run); });
}

}  // namespace faultline
