#include "heap/shapes.h"

namespace faultline {

ShapeId ShapeTable::Define(const std::u16string& name, const std::string& description, const Shape& shape) {
  const LockGuard guard(lock_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    return named_[found->second - 1].description == description ? found->second : kNoShape;
  }
  const ShapeId id(limit_.load(std::memory_order_relaxed));  // Written under lock_ only.
  if (id >= kMaxShapes) return kNoShape;
  shapes_[id] = shape;
  Shape& entry = shapes_[id];
  const bool has_elements = shape.element_kind != ElementKind::kNone;
  entry.is_special = shape.tagged_fields > 0 || shape.element_kind >= ElementKind::kTagged;
  entry.has_references = shape.reference_fields > 0 || shape.has_slots_as_elements() || entry.is_special != 0;
  if (!has_elements) {
    entry.element_bytes_log2 = kNoElementsShift;
    entry.identity_slot = 1;
  }
  named_.push_back({name, description});
  by_name_.emplace(named_.back().name, id);
  limit_.store(id + 1, std::memory_order_release);  // Partner: IsValid.
  return id;
}

ShapeId ShapeTable::Find(const std::u16string& name, std::string* description) const {
  const LockGuard guard(lock_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return kNoShape;
  if (description != nullptr) *description = named_[found->second - 1].description;
  return found->second;
}

bool ShapeTable::Describe(ShapeId id, std::u16string* name, std::string* description) const {
  const LockGuard guard(lock_);
  if (id == 0 || id > named_.size()) return false;
  *name = named_[id - 1].name;
  *description = named_[id - 1].description;
  return true;
}

}  // namespace faultline
