#include "heap/shared_array.h"

#include <bit>

#include "heap/spin_lock.h"
#include "heap/weak_access.h"

namespace faultline {

namespace {

uint32_t SegmentOf(uint32_t index) { return static_cast<uint32_t>(std::bit_width(index + kFirstSegmentLength)) - 4; }
uint32_t FirstIndexOf(uint32_t n) { return (kFirstSegmentLength << n) - kFirstSegmentLength; }
static_assert(kFirstSegmentLength == 8, "SegmentOf counts bits from here");

// The array while its lock is held.
class LockedArray {
 public:
  LockedArray(Heap& heap, Mutator& mutator, WordIndex array)
      : heap_(heap), mutator_(mutator), array_(heap.MutatorSlotsOf(array)), locked_(TrySpinLock(&array_[ArraySlots::kLock])) {}
  ~LockedArray() {
    if (locked_) __atomic_exchange_n(&array_[ArraySlots::kLock], 0, __ATOMIC_SEQ_CST);
  }
  LockedArray(const LockedArray&) = delete;
  LockedArray& operator=(const LockedArray&) = delete;

  bool locked() const { return locked_; }
  uint32_t length() const { return array_[ArraySlots::kLength]; }
  WordIndex segment(uint32_t n) const { return n < ArraySlots::kSegmentCount ? WordIndex(array_[ArraySlots::kSegments + n]) : kNull; }

  void SetLength(uint32_t length) { __atomic_store_n(&array_[ArraySlots::kLength], length, __ATOMIC_RELEASE); }
  void SetSegment(uint32_t n, WordIndex segment) { StoreReference(&array_[ArraySlots::kSegments + n], segment); }

  // For an element whose segment exists.
  void Take(uint32_t index) {
    const Element element = At(index);
    if (element.is_wide) {
      *reinterpret_cast<uint64_t*>(value()) = __atomic_load_n(reinterpret_cast<uint64_t*>(element.slot), __ATOMIC_RELAXED);
    } else {
      *value() = __atomic_load_n(element.slot, __ATOMIC_RELAXED);
    }
  }

  // Whether the element is the reference in the control block.
  bool Holds(uint32_t index) const { return __atomic_load_n(At(index).slot, __ATOMIC_RELAXED) == *value(); }

  void Put(uint32_t index) {
    const Element element = At(index);
    if (element.is_reference) {
      StoreReference(element.slot, *value());
    } else if (element.is_wide) {
      __atomic_store_n(reinterpret_cast<uint64_t*>(element.slot), *reinterpret_cast<const uint64_t*>(value()), __ATOMIC_RELEASE);
    } else {
      __atomic_store_n(element.slot, *value(), __ATOMIC_RELEASE);
    }
  }

  // So that a slot which is not read any more does not keep its object alive.
  void Clear(uint32_t index) {
    const Element element = At(index);
    if (element.is_reference) StoreReference(element.slot, 0);
  }

  void BeginResizing() { __atomic_store_n(&array_[ArraySlots::kVersion], array_[ArraySlots::kVersion] + 1, __ATOMIC_RELAXED); }
  void EndResizing() { __atomic_store_n(&array_[ArraySlots::kVersion], array_[ArraySlots::kVersion] + 1, __ATOMIC_RELEASE); }

 private:
  struct Element {
    uint32_t* slot;
    bool is_reference;
    bool is_wide;
  };

  uint32_t* value() const { return mutator_.control + control::kValue; }

  Element At(uint32_t index) const {
    const uint32_t n = SegmentOf(index);
    const WordIndex object = segment(n);
    const Shape& shape = heap_.shapes[heap_.MutatorHeaderOf(object).shape];
    const bool is_wide = shape.element_bytes_log2 == 3;
    uint32_t* const elements = heap_.MutatorSlotsOf(object) + shape.FirstElementSlot();
    return {elements + (uint64_t{index - FirstIndexOf(n)} << (is_wide ? 1 : 0)), shape.element_kind == ElementKind::kReference, is_wide};
  }

  void StoreReference(uint32_t* slot, uint32_t reference) {
    if (mutator_.control[control::kLogging] != 0) LogReference(heap_, mutator_, *slot);
    __atomic_store_n(slot, reference, __ATOMIC_RELEASE);
  }

  Heap& heap_;
  Mutator& mutator_;
  uint32_t* const array_;
  const bool locked_;
};

}  // namespace

ArrayAnswer ArrayPush(Heap& heap, Mutator& mutator, WordIndex array, uint32_t* length) {
  LockedArray locked(heap, mutator, array);
  if (!locked.locked()) return ArrayAnswer::kContended;
  *length = locked.length();
  if (locked.segment(SegmentOf(*length)) == 0) return ArrayAnswer::kSegmentNeeded;
  locked.BeginResizing();
  locked.Put((*length)++);
  locked.SetLength(*length);
  locked.EndResizing();
  return ArrayAnswer::kDone;
}

ArrayAnswer ArrayPop(Heap& heap, Mutator& mutator, WordIndex array, uint32_t expected_length) {
  LockedArray locked(heap, mutator, array);
  if (!locked.locked()) return ArrayAnswer::kContended;
  if (locked.length() == 0) return ArrayAnswer::kOutOfRange;
  const uint32_t last = locked.length() - 1;
  const uint32_t n = SegmentOf(last);
  if (expected_length != 0 && (locked.length() != expected_length || !locked.Holds(last))) return ArrayAnswer::kChanged;
  locked.Take(last);
  locked.BeginResizing();
  locked.SetLength(last);
  locked.Clear(last);
  // Keep the segment that has just become empty: the next push would need it again.
  if (locked.segment(n + 1) != 0 && last < FirstIndexOf(n) + (kFirstSegmentLength << n) / 2) locked.SetSegment(n + 1, kNull);
  locked.EndResizing();
  return ArrayAnswer::kDone;
}

ArrayAnswer ArraySet(Heap& heap, Mutator& mutator, WordIndex array, uint32_t index) {
  LockedArray locked(heap, mutator, array);
  if (!locked.locked()) return ArrayAnswer::kContended;
  if (index >= locked.length()) return ArrayAnswer::kOutOfRange;
  locked.Put(index);
  return ArrayAnswer::kDone;
}

ArrayAnswer ArrayGet(Heap& heap, Mutator& mutator, WordIndex array, uint32_t index) {
  LockedArray locked(heap, mutator, array);
  if (!locked.locked()) return ArrayAnswer::kContended;
  if (index >= locked.length()) return ArrayAnswer::kOutOfRange;
  locked.Take(index);
  return ArrayAnswer::kDone;
}

ArrayAnswer ArrayInstall(Heap& heap, Mutator& mutator, WordIndex array, uint32_t n, WordIndex segment) {
  LockedArray locked(heap, mutator, array);
  if (!locked.locked()) return ArrayAnswer::kContended;
  if (locked.segment(n) == 0) locked.SetSegment(n, segment);
  return ArrayAnswer::kDone;
}

}  // namespace faultline
