// Shared containers: changes of an array, reads of it while other threads change it, and changes of a map.  Called by a mutator's own
// thread, running.
#include "heap/shared_array.h"
#include "heap/weak_access.h"
#include "node/arguments.h"

namespace faultline {

namespace {

// ARRAY in src/binding/array-calls.ts.
double AnswerOf(ArrayAnswer answer) {
  switch (answer) {
    case ArrayAnswer::kDone:
      return 0;
    case ArrayAnswer::kOutOfRange:
      return -1;
    case ArrayAnswer::kContended:
      return -2;
    case ArrayAnswer::kSegmentNeeded:
      return -3;
    case ArrayAnswer::kChanged:
      return -4;
  }
  return 0;
}

// pushToArray(mutator, array): the new length, or a result below 0
Napi::Value Push(Info info, MutatorBinding& binding) {
  uint32_t length = 0;
  const ArrayAnswer answer = ArrayPush(binding.instance->heap, *binding.mutator, Uint32At(info, 1), &length);
  return Number(info, answer == ArrayAnswer::kDone ? length : AnswerOf(answer));
}

// popFromArray(mutator, array, expectedLength)
Napi::Value Pop(Info info, MutatorBinding& binding) {
  return Number(info, AnswerOf(ArrayPop(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2))));
}

// setInArray(mutator, array, index)
Napi::Value SetElement(Info info, MutatorBinding& binding) {
  return Number(info, AnswerOf(ArraySet(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2))));
}

// getFromArray(mutator, array, index)
Napi::Value GetElement(Info info, MutatorBinding& binding) {
  return Number(info, AnswerOf(ArrayGet(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2))));
}

// installSegment(mutator, array, n, segment)
Napi::Value InstallSegment(Info info, MutatorBinding& binding) {
  return Number(info,
                AnswerOf(ArrayInstall(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2), Uint32At(info, 3))));
}

// exchangeAndCount(mutator, slot, expected, reference, countSlot, by, weight): stores the reference if the slot holds `expected`, and adds
// to the count and to the weight in the slot behind it; returns whether it did.  Slots are indices into u32.
Napi::Value ExchangeAndCount(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  uint32_t* const slots = reinterpret_cast<uint32_t*>(heap.views.mutator_view());
  uint32_t expected = Uint32At(info, 2);
  // Logged before it is known whether it will be overwritten, as in SlotAccess.compareExchangeReference.
  if (binding.mutator->control[control::kLogging] != 0) LogReference(heap, *binding.mutator, expected);
  uint32_t* const slot = slots + static_cast<uint64_t>(NumberAt(info, 1));
  // All seq_cst, as Atomics is.
  const bool done = __atomic_compare_exchange_n(slot, &expected, Uint32At(info, 3), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  if (!done) return Boolean(info, false);
  uint32_t* const count = slots + static_cast<uint64_t>(NumberAt(info, 4));
  if (const uint32_t by = Uint32At(info, 5); by != 0) __atomic_fetch_add(count, by, __ATOMIC_SEQ_CST);
  if (const uint32_t weight = Uint32At(info, 6); weight != 0) __atomic_fetch_add(count + 1, weight, __ATOMIC_SEQ_CST);
  return Boolean(info, true);
}

}  // namespace

void ExportArrays(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"pushToArray", OnRunningMutator<Push>},
      {"popFromArray", OnRunningMutator<Pop>},
      {"setInArray", OnRunningMutator<SetElement>},
      {"getFromArray", OnRunningMutator<GetElement>},
      {"installSegment", OnRunningMutator<InstallSegment>},
      {"exchangeAndCount", OnRunningMutator<ExchangeAndCount>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
