// Shared arrays: what changes one, or reads it while others change it.  Called by a mutator's own thread, running.
#include "heap/shared_array.h"
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

// pushToArray(mutator, array): the new length, or an answer below 0
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
  return Number(info, AnswerOf(ArrayInstall(binding.instance->heap, *binding.mutator, Uint32At(info, 1), Uint32At(info, 2), Uint32At(info, 3))));
}

}  // namespace

void ExportArrays(Napi::Env env, Napi::Object exports) {
  Export(env, exports, {
    {"pushToArray", OnMutator<Push>},
    {"popFromArray", OnMutator<Pop>},
    {"setInArray", OnMutator<SetElement>},
    {"getFromArray", OnMutator<GetElement>},
    {"installSegment", OnMutator<InstallSegment>},
  });
}

}  // namespace faultline
