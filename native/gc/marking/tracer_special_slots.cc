// Weak tracing: the part of the tracing loop for slots that are not simply references.
//
//   tagged slot     a reference is followed, a small integer is not
//   weak slot       is noted when its object is not marked yet: it may have to be cleared
//   ephemeron       when its key is marked, its value is marked; otherwise it waits for that (gc/marking/ephemeron_table.h)
#include "gc/marking/tracer.h"

#include "os/invariant.h"

namespace faultline {

namespace {

uint32_t Load(const uint32_t* slot) { return __atomic_load_n(slot, __ATOMIC_RELAXED); }

}  // namespace

bool Tracer::IsMarked(uint32_t reference) const {
  const RegionIndex region = RegionOf(reference);
  FAULTLINE_CHECK(region < heap_->regions.count() && reference >= kPageWords, "a weak slot refers into the heap", reference);
  if (young_from_ != nullptr && PageOf(reference) - FirstPageOfRegion(region) >= young_from_[region]) return true;
  return heap_->tables.object_starts.TestInOrder(reference);
}

void Tracer::TraceEphemeron(Ephemeron ephemeron) {
  const uint64_t header = HeaderOf(ephemeron.table);
  const Shape& shape = heap_->shapes[static_cast<ShapeId>(header)];
  const uint32_t* const slots = heap_->slots() + uint64_t{ephemeron.table} * 2 + uint64_t{shape.fixed_words} * 2;
  // Key before value: a value is stored before its key, so whoever finds the key finds the value.
  const uint32_t key = __atomic_load_n(&slots[uint64_t{ephemeron.index} * 2], __ATOMIC_ACQUIRE);
  if (key == 0 || key == ephemeron.table) return;
  // A small integer does not die.
  if (!IsSmallInteger(key) && !IsMarked(key)) {
    waiting_->Add(key, ephemeron);
    // Marked meanwhile: whoever did that may have looked before it was there.
    if (!IsMarked(key)) return;
  }
  const uint32_t value = Load(&slots[uint64_t{ephemeron.index} * 2 + 1]);
  if (!IsSmallInteger(value)) Find(value, ephemeron.table);
}

void Tracer::TraceEphemeronsOf(WordIndex key) {
  ephemerons_.clear();
  waiting_->Take(key, &ephemerons_);
  for (const Ephemeron ephemeron : ephemerons_) TraceEphemeron(ephemeron);
}

void Tracer::TraceSpecialSlots(WordIndex object, const Shape& shape, uint32_t count, uint64_t from, uint64_t until) {
  const uint32_t* const slots = heap_->slots() + uint64_t{object} * 2;
  const auto visit = [&](uint64_t first, uint64_t last, auto each) {
    for (uint64_t slot = first < from ? from : first; slot < (last < until ? last : until); ++slot) each(slot);
  };
  const auto trace_tagged = [&](uint64_t slot) {
    const uint32_t value = Load(&slots[slot]);
    if (!IsSmallInteger(value)) Find(value, object);
  };
  const uint64_t tagged = kHeaderSlots + shape.reference_fields;
  visit(tagged, tagged + shape.tagged_fields, trace_tagged);
  const uint64_t elements = uint64_t{shape.fixed_words} * 2;
  switch (shape.element_kind) {
    case ElementKind::kReference:
      visit(elements, elements + count, [&](uint64_t slot) { Find(Load(&slots[slot]), object); });
      return;
    case ElementKind::kTagged:
      visit(elements, elements + count, trace_tagged);
      return;
    case ElementKind::kWeak:
      visit(elements, elements + count, [&](uint64_t slot) {
        const uint32_t reference = Load(&slots[slot]);
        if (IsReference(reference) && !IsMarked(reference)) weak_finds_.slots.push_back(static_cast<uint32_t>(uint64_t{object} * 2 + slot));
      });
      return;
    case ElementKind::kEphemeron:
      // A pair is a word, so none lies on two pages.
      visit(elements, elements + uint64_t{count} * 2, [&](uint64_t slot) {
        if ((slot & 1) == 0) TraceEphemeron({object, static_cast<uint32_t>((slot - elements) / 2)});
      });
      return;
    case ElementKind::kFinalizable:
    case ElementKind::kData:
    case ElementKind::kNone:
      return;
  }
}

}  // namespace faultline
