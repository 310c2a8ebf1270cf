// Weak structures: weak slots, weak maps, identity hashes, finalizers.  Functions with a mutator are called by its own thread, running.
#include "heap/identity_hash.h"
#include "heap/thread_state.h"
#include "heap/weak_access.h"
#include "heap/weak_map.h"
#include "node/arguments.h"
#include "node/javascript_watch.h"

namespace faultline {

namespace {

// Results of setInWeakMap besides the pairs of the table that is needed; WEAK_MAP in src/binding/weak-calls.ts.
constexpr double kDone = 0;
constexpr double kAbsent = -1;
constexpr double kContended = -2;
constexpr double kNoIdentity = -3;
constexpr double kNotAnObject = -4;

double AnswerOf(WeakMapAnswer answer) {
  switch (answer) {
    case WeakMapAnswer::kDone:
      return kDone;
    case WeakMapAnswer::kContended:
      return kContended;
    case WeakMapAnswer::kNoIdentity:
      return kNoIdentity;
    case WeakMapAnswer::kNotAnObject:
      return kNotAnObject;
    default:
      return kAbsent;
  }
}

// readWeak(mutator, slot): the object, or 0
Napi::Value ReadWeakSlot(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  const uint32_t* const slots = reinterpret_cast<const uint32_t*>(heap.views.mutator_view());
  return Number(info, ReadWeak(heap, *binding.mutator, slots + static_cast<uint64_t>(NumberAt(info, 1))));
}

// identityHash(mutator, object): 0 if the object's shape has no place for one; kNotAnObject
Napi::Value HashOf(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  const uint32_t object = Uint32At(info, 1);
  return Number(info, heap.IsObject(object) ? IdentityHash(heap, object) : kNotAnObject);
}

// getFromWeakMap(mutator, map, key): the value, or a result below 0
Napi::Value GetFromWeakMap(Info info, MutatorBinding& binding) {
  uint32_t value = 0;
  const WeakMapAnswer answer = WeakMapGet(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2), &value);
  return Number(info, answer == WeakMapAnswer::kDone ? value : AnswerOf(answer));
}

// setInWeakMap(mutator, map, key, value): 0, a result below 0, or the number of pairs of a table that has to be installed first
Napi::Value SetInWeakMap(Info info, MutatorBinding& binding) {
  uint32_t wanted = 0;
  const WeakMapAnswer answer =
      WeakMapSet(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2), Uint32At(info, 3), &wanted);
  return Number(info, answer == WeakMapAnswer::kTableNeeded ? wanted : AnswerOf(answer));
}

Napi::Value DeleteFromWeakMap(Info info, MutatorBinding& binding) {
  return Number(info, AnswerOf(WeakMapDelete(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2))));
}

// installWeakTable(mutator, map, table)
Napi::Value InstallWeakTable(Info info, MutatorBinding& binding) {
  return Number(info, AnswerOf(WeakMapInstall(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2))));
}

// addFinalizer(mutator, object, heldValue): null if there is no object, false if addFinalizers has to come first
Napi::Value AddFinalizer(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  const uint32_t object = Uint32At(info, 1);
  if (!heap.IsObject(object)) return info.Env().Null();
  return Boolean(info, heap.finalizers.Add(heap, *binding.mutator, object, NumberAt(info, 2)));
}

// addFinalizers(mutator, waiting, kept)
Napi::Value AddFinalizers(Info info, MutatorBinding& binding) {
  binding.instance->heap.finalizers.AddChunk(Uint32At(info, 1), Uint32At(info, 2));
  return info.Env().Undefined();
}

// takeFinalizable(mutator, handle): the held value of a finalizer that is ready, whose object is in that slot of the control block from
// then on; null if there is none.  A mutator that its program has parked runs for that moment.
Napi::Value TakeFinalizable(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  Mutator& mutator = *binding.mutator;
  if (heap.finalizers.ready() == 0) return info.Env().Null();
  JavaScriptWatch watch(info.Env());
  const bool parked = (mutator.state()->load(std::memory_order_relaxed) & kMutatorRunning) == 0;
  if (parked && (!watch.MayWait() || !Unpark(mutator, watch))) return Napi::Value();
  double held_value = 0;
  WordIndex object;
  const bool taken = heap.finalizers.Take(heap, &mutator, &held_value, &object);
  mutator.control[Uint32At(info, 1)] = object;  // Before a safepoint.
  if (parked) heap.handshake.Park(&mutator);
  return taken ? Number(info, held_value) : info.Env().Null();
}

// takeHeldValue(heap): the same without the object, which is dropped
Napi::Value TakeHeldValue(Info info, HeapInstance& instance) {
  double held_value = 0;
  WordIndex object{0};
  return instance.heap.finalizers.Take(instance.heap, nullptr, &held_value, &object) ? Number(info, held_value) : info.Env().Null();
}

}  // namespace

void ExportWeak(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"readWeak", OnRunningMutator<ReadWeakSlot>},
      {"identityHash", OnRunningMutator<HashOf>},
      {"getFromWeakMap", OnRunningMutator<GetFromWeakMap>},
      {"setInWeakMap", OnRunningMutator<SetInWeakMap>},
      {"deleteFromWeakMap", OnRunningMutator<DeleteFromWeakMap>},
      {"installWeakTable", OnRunningMutator<InstallWeakTable>},
      {"addFinalizer", OnRunningMutator<AddFinalizer>},
      {"addFinalizers", OnRunningMutator<AddFinalizers>},
      {"takeFinalizable", OnMutator<TakeFinalizable>},
      {"takeHeldValue", OnHeap<TakeHeldValue>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
