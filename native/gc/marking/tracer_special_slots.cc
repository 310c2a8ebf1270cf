// Weak tracing: the part of the tracing loop for slots that are not simply references.
//
//   tagged slot     a reference is followed, a small integer is not
//   weak slot       it is noted if its object is not marked yet: it may have to be cleared
//   ephemeron       if its key is marked, its value is marked; otherwise it waits for its key (gc/marking/ephemeron_table.h)
#include "gc/marking/tracer.h"

#include "os/invariant.h"

namespace faultline {

namespace {

uint32_t Load(const uint32_t* slot) { return __atomic_load_n(slot, __ATOMIC_RELAXED); }

}  // namespace

bool Tracer::IsMarked(WordIndex reference) const {
  const RegionIndex region = RegionOf(reference);
  FAULTLINE_CHECK(region < heap_->regions.count() && reference >= kPageWords, "a weak slot refers into the heap", reference);
  if (young_from_ != nullptr && PageOf(reference) - FirstPageOfRegion(region) >= young_from_[region]) return true;
  return heap_->tables.object_starts.TestInOrder(reference);
}

void Tracer::TraceEphemeron(Ephemeron ephemeron) {
  const uint32_t* const pair = heap_->SlotsOf(heap_->PairOf(ephemeron.table, ephemeron.index));
  // Key before value: the value is stored before the key, so a thread that reads the key also reads the value.
  const WordIndex key(__atomic_load_n(&pair[0], __ATOMIC_ACQUIRE));
  if (key == 0 || key == ephemeron.table) return;
  // A small integer does not die.
  if (!IsSmallInteger(key) && !IsMarked(key)) {
    waiting_->Add(key, ephemeron);
    // If it was marked meanwhile, the marking thread may have searched the table too early.
    if (!IsMarked(key)) return;
  }
  const uint32_t value = Load(&pair[1]);
  if (!IsSmallInteger(value)) Find(WordIndex(value), ephemeron.table);
}

void Tracer::TraceEphemeronsOf(WordIndex key) {
  ephemerons_.clear();
  waiting_->Take(key, &ephemerons_);
  for (const Ephemeron ephemeron : ephemerons_) TraceEphemeron(ephemeron);
}

void Tracer::TraceSpecialSlots(WordIndex object, const Shape& shape, uint32_t count, uint64_t from, uint64_t until) {
  const uint32_t* const slots = heap_->SlotsOf(object);
  const uint64_t elements = shape.FirstElementSlot();
  ForEachSpecialRun(shape, count, [&](ElementKind kind, uint64_t run_first, uint64_t run_last) {
    const uint64_t first = run_first < from ? from : run_first;
    const uint64_t last = run_last < until ? run_last : until;
    const auto visit = [&](auto each) {
      for (uint64_t slot = first; slot < last; ++slot) each(slot);
    };
    switch (kind) {
      case ElementKind::kReference:
        return visit([&](uint64_t slot) { Find(WordIndex(Load(&slots[slot])), object); });
      case ElementKind::kTagged:
        return visit([&](uint64_t slot) {
          const uint32_t value = Load(&slots[slot]);
          if (!IsSmallInteger(value)) Find(WordIndex(value), object);
        });
      case ElementKind::kWeak:
        return visit([&](uint64_t slot) {
          const WordIndex reference(Load(&slots[slot]));
          if (IsReference(reference) && !IsMarked(reference))
            weak_finds_.slots.push_back(static_cast<uint32_t>(uint64_t{object} * 2 + slot));
        });
      case ElementKind::kEphemeron:
        // A pair is one word, so it never straddles two pages.
        return visit([&](uint64_t slot) {
          if ((slot & 1) == 0) TraceEphemeron({object, static_cast<uint32_t>((slot - elements) / 2)});
        });
      case ElementKind::kFinalizable:
      case ElementKind::kData:
      case ElementKind::kNone:
        return;
    }
  });
}

}  // namespace faultline
