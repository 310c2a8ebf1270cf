// Object: what an object looks like in memory: the header, where the slots are, and what each slot holds.  All code that reads objects uses
// these functions, except the verifier, which must not share their mistakes.
//
//     word         0                           1 …                  fixed_words …
//                  header: shape id, count     fields               elements
//     u32 slot     0          1                2 …                  fixed_words * 2 …
//
// Slots are walked run by run: all slots of a run are of one kind, so the loop over them does not branch on it, and a piece of a run (a
// page, a slice of an array) is a loop with other bounds.  Most objects have nothing but references; the special slots of others are walked
// by a separate function, so that hot loops inline the first part and call the second.
#pragma once

#include "heap/shapes.h"

// Inlines also into functions that are compiled for more instructions than the rest (gc/compaction/page_building.cc).
#define FAULTLINE_INLINE __attribute__((always_inline)) inline

namespace faultline {

// `shape` is 0 until the memory is an object.  `count` is the number of elements; without elements, see heap/identity_hash.h.
struct Header {
  ShapeId shape;
  uint32_t count;
};

// One relaxed load: a mutator may be about to write it, count first, then shape.
FAULTLINE_INLINE Header HeaderAt(const uint64_t* words, WordIndex object) {
  const uint64_t word = __atomic_load_n(words + object, __ATOMIC_RELAXED);
  return {ShapeId(word), static_cast<uint32_t>(word >> 32)};
}

// The object's u32 slots, beginning with its header.
FAULTLINE_INLINE uint32_t* SlotsAt(uint64_t* words, WordIndex object) { return reinterpret_cast<uint32_t*>(words + object); }
FAULTLINE_INLINE const uint32_t* SlotsAt(const uint64_t* words, WordIndex object) {
  return reinterpret_cast<const uint32_t*>(words + object);
}

// Calls run(kind, first, last) for the runs of a special shape that ForEachSlotRun leaves out.  No run is of kind kNone or kData.  An
// element of kEphemeron is two slots, key and value.
template <typename Run>
FAULTLINE_INLINE void ForEachSpecialRun(const Shape& shape, uint32_t count, Run run) {
  const uint64_t tagged = kHeaderSlots + shape.reference_fields;
  run(ElementKind::kTagged, tagged, tagged + shape.tagged_fields);
  if (!shape.has_slots_as_elements()) return;
  const uint64_t elements = shape.FirstElementSlot();
  run(shape.element_kind, elements, elements + shape.ElementSlots(count));
}

// Calls references(first, last) for each run of u32 slots [first, last) that holds only references.  For an object that has other slots
// too, special() is called instead of references() for everything after its reference fields.
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

// The same for code that is not hot: calls run(kind, first, last) for all runs.
template <typename Run>
FAULTLINE_INLINE void ForEachSlotRun(const Shape& shape, uint32_t count, Run run) {
  ForEachSlotRun(
      shape, count, [&](uint64_t first, uint64_t last) { run(ElementKind::kReference, first, last); },
      [&] { ForEachSpecialRun(shape, count, run); });
}

}  // namespace faultline
