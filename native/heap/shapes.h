// Shapes: how large an object is and where its references are.
//
//     u32 slot   0          1               2 … 2+R-1          …
//                shape id   element count   reference fields   other fields   elements
//     word       0 (header)                 1 …                               fixed_words …
//
// References come first, so a shape's reference map is one number.  Shapes are registered once and never change; readers
// index the table without a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "heap/layout.h"
#include "heap/mapped_array.h"

namespace faultline {

enum class ElementKind : uint8_t { kNone, kData, kReference };

struct Shape {
  uint32_t fixed_words = 0;       // Header and fields.  0 marks an unused entry.
  uint32_t reference_fields = 0;  // They fill the u32 slots from kHeaderSlots on.
  ElementKind element_kind = ElementKind::kNone;
  uint8_t element_bytes_log2 = 0;
  uint16_t reserved = 0;
  uint32_t has_references = 0;

  // `count` comes from the object's header.
  uint64_t Words(uint32_t count) const {
    return fixed_words + (((static_cast<uint64_t>(count) << element_bytes_log2) + kWordBytes - 1) >> 3);
  }
};
static_assert(sizeof(Shape) == 16, "one shape is one aligned 16-byte load");

inline constexpr ShapeId kMaxShapes = 1u << 20;

class ShapeTable {
 public:
  Status Create() { return shapes_.Create(kMaxShapes); }

  // Registers `shape` under `name`; `description` is what another thread needs to rebuild the definition (JSON, opaque
  // here).  Returns the id, the existing id when name and description are known already, or 0 when the name is taken by
  // something else or the table is full.
  ShapeId Define(const std::string& name, const std::string& description, const Shape& shape);

  // 0 when there is none.
  ShapeId Find(const std::string& name, std::string* description) const;
  bool Describe(ShapeId id, std::string* name, std::string* description) const;

  // Acquire: pairs with the release in Define, so that an id seen in a header has its entry.
  bool IsValid(ShapeId id) const { return id != 0 && id < limit_.load(std::memory_order_acquire); }
  const Shape& operator[](ShapeId id) const { return shapes_[id]; }
  const Shape* data() const { return shapes_.data(); }

 private:
  struct Named {
    std::string name;
    std::string description;
  };
  mutable std::mutex lock_;
  MappedArray<Shape> shapes_;
  std::vector<Named> named_;            // named_[id - 1]
  std::atomic<ShapeId> limit_{1};       // First unused id.
};

}  // namespace faultline
