// Shapes: how large an object is and where its references are.
//
//     u32 slot   0          1               2 … 2+R-1          2+R … 2+R+T-1   …
//                shape id   element count   reference fields   tagged fields   other fields   elements
//     word       0 (header)                 1 …                                               fixed_words …
//
// References come first, so a shape's reference map is one number.  Shapes are registered once and never change; readers index the table
// without a lock.
//
// An object without elements has no use for its element count.  That slot holds its identity hash, shifted left by one, once the hash has
// been asked for (heap/identity_hash.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "heap/keyed_hash.h"
#include "heap/layout.h"
#include "heap/mapped_array.h"
#include "os/lock.h"

namespace faultline {

// The kind of an element, and of a run of fields (which is kReference or kTagged).
//
//   kind           what it is                      marking                        compaction
//   kReference     a reference                     traces it                      forwards it
//   kTagged        a reference or a small integer  traces references              forwards references
//   kWeak          a weakly held reference         clears it when its object dies forwards it
//   kEphemeron     a pair of key and value         traces the value of a live     forwards both
//                                                  key, clears the pair of a dead
//   kFinalizable   an object with a finalizer      leaves it to gc/marking/weak_phase.h   forwards it
enum class ElementKind : uint8_t { kNone, kData, kReference, kTagged, kWeak, kEphemeron, kFinalizable };

struct Shape {
  uint32_t fixed_words = 0;       // Header and fields.  0 marks an unused entry.
  uint32_t reference_fields = 0;  // They fill the u32 slots from kHeaderSlots on.
  uint16_t tagged_fields = 0;     // They fill the u32 slots after the reference fields.
  uint16_t identity_slot = 0;     // The u32 slot of the identity hash, 0 when there is none.
  ElementKind element_kind = ElementKind::kNone;
  uint8_t element_bytes_log2 = 0;
  // Set when the shape is registered:
  uint8_t has_references = 0;  // The object has slots that have to be forwarded.
  uint8_t is_special = 0;      // It has slots that are not simply references: tagged fields, or elements from kTagged on.

  // `count` comes from the object's header.
  uint64_t Words(uint32_t count) const {
    return fixed_words + (((static_cast<uint64_t>(count) << element_bytes_log2) + kWordBytes - 1) >> 3);
  }
  // No reference of any sort is in its objects: they may lie in a leaf region (heap/region_states.h).
  bool is_leaf() const { return fixed_words != 0 && has_references == 0; }
  // The elements are u32 slots that hold references, of whatever kind.
  bool has_slots_as_elements() const { return element_kind >= ElementKind::kReference; }
  uint64_t FirstElementSlot() const { return uint64_t{fixed_words} * 2; }
  // The number of u32 slots of the elements, for kinds from kReference on.
  uint64_t ElementSlots(uint32_t count) const { return static_cast<uint64_t>(count) << (element_bytes_log2 - 2); }
};
// Without elements, the count's slot holds the identity hash, which is even.  Shifted by this it gives 0, so that Words needs no branch.
inline constexpr uint8_t kNoElementsShift = 63;
static_assert(sizeof(Shape) == 16, "one shape is one aligned 16-byte load");

inline constexpr ShapeId kNoShape{0};
inline constexpr uint32_t kMaxShapes = 1u << 20;

class ShapeTable {
 public:
  // Names are hashed with `key`: they may come from a program's input.
  Status Create(HashKey key) {
    by_name_ = Names(0, NameHash{key});
    return shapes_.Create(kMaxShapes);
  }

  // Registers `shape` under `name`; `description` is what another thread needs to rebuild the definition (JSON, opaque here).  Returns the
  // id, the existing id if this name has been registered with this description, or 0 if another shape has the name or the table is full.
  //
  // Names are sequences of UTF-16 code units, like JavaScript's; unpaired surrogates are compared too.
  ShapeId Define(const std::u16string& name, const std::string& description, const Shape& shape);

  // 0 when there is none.
  ShapeId Find(const std::u16string& name, std::string* description) const;
  bool Describe(ShapeId id, std::u16string* name, std::string* description) const;

  // Acquire: pairs with the release in Define, so that an id seen in a header has its entry.
  bool IsValid(ShapeId id) const { return id != 0 && id < limit_.load(std::memory_order_acquire); }
  const Shape& operator[](ShapeId id) const { return shapes_[id]; }
  const Shape* data() const { return shapes_.data(); }

 private:
  struct Named {
    std::u16string name;
    std::string description;
  };
  struct NameHash {
    HashKey key;

    size_t operator()(std::u16string_view name) const { return HashOfText(key, name); }
  };
  using Names = std::unordered_map<std::u16string_view, ShapeId, NameHash>;

  mutable Lock lock_;
  MappedArray<Shape, ShapeId> shapes_;
  std::deque<Named> named_;  // named_[id - 1]; entries stay where they are.
  Names by_name_;
  std::atomic<uint32_t> limit_{1};  // First unused id.
};

}  // namespace faultline
