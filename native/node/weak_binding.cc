// Weak structures: reading weak slots, weak maps, identity hashes, finalizers.  What is a mutator's is called by its own thread, running.
#include "heap/identity_hash.h"
#include "heap/weak_access.h"
#include "heap/weak_map.h"
#include "node/arguments.h"

namespace faultline {

namespace {

// Answers of setInWeakMap besides the pairs of the table that is needed; WEAK_MAP in src/binding/weak-calls.ts.
constexpr double kDone = 0;
constexpr double kAbsent = -1;
constexpr double kContended = -2;
constexpr double kNoIdentity = -3;

double AnswerOf(WeakMapAnswer answer) {
  switch (answer) {
    case WeakMapAnswer::kDone:
      return kDone;
    case WeakMapAnswer::kContended:
      return kContended;
    case WeakMapAnswer::kNoIdentity:
      return kNoIdentity;
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

// identityHash(mutator, object): 0 when the object's shape has no place for one
Napi::Value HashOf(Info info, MutatorBinding& binding) {
  return Number(info, IdentityHash(binding.instance->heap, Uint32At(info, 1)));
}

// getFromWeakMap(mutator, map, key): the value, or an answer below 0
Napi::Value GetFromWeakMap(Info info, MutatorBinding& binding) {
  uint32_t value = 0;
  const WeakMapAnswer answer = WeakMapGet(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2), &value);
  return Number(info, answer == WeakMapAnswer::kDone ? value : AnswerOf(answer));
}

// setInWeakMap(mutator, map, key, value): 0, an answer below 0, or how many pairs a table must have that is to be installed first
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

// addFinalizer(mutator, object, token): false when addFinalizers comes first
Napi::Value AddFinalizer(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  return Boolean(info, heap.finalizers.Add(heap, *binding.mutator, Uint32At(info, 1), NumberAt(info, 2)));
}

// addFinalizers(mutator, waiting, kept)
Napi::Value AddFinalizers(Info info, MutatorBinding& binding) {
  binding.instance->heap.finalizers.AddChunk(Uint32At(info, 1), Uint32At(info, 2));
  return info.Env().Undefined();
}

Napi::Value Taken(Info info, Heap& heap, Mutator* mutator) {
  double token = 0;
  WordIndex object = 0;
  if (!heap.finalizers.Take(heap, mutator, &token, &object)) return info.Env().Null();
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("token", token);
  answer.Set("object", object);
  return answer;
}

// takeFinalizable(mutator): {token, object} or null
Napi::Value TakeFinalizable(Info info, MutatorBinding& binding) {
  return Taken(info, binding.instance->heap, binding.mutator.get());
}

// takeToken(heap): the same without the object, which is let go
Napi::Value TakeToken(Info info, HeapInstance& instance) {
  return Taken(info, instance.heap, nullptr);
}

}  // namespace

void ExportWeak(Napi::Env env, Napi::Object exports) {
  Export(env, exports, {
    {"readWeak", OnMutator<ReadWeakSlot>},
    {"identityHash", OnMutator<HashOf>},
    {"getFromWeakMap", OnMutator<GetFromWeakMap>},
    {"setInWeakMap", OnMutator<SetInWeakMap>},
    {"deleteFromWeakMap", OnMutator<DeleteFromWeakMap>},
    {"installWeakTable", OnMutator<InstallWeakTable>},
    {"addFinalizer", OnMutator<AddFinalizer>},
    {"addFinalizers", OnMutator<AddFinalizers>},
    {"takeFinalizable", OnMutator<TakeFinalizable>},
    {"takeToken", OnHeap<TakeToken>},
  });
}

}  // namespace faultline
