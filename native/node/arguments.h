// Arguments: reads what src/binding.ts passes, and makes the values to return.
//
// src/binding.ts is the only caller, so types are not checked again here, only what may be wrong at run time (a closed heap).  For a
// refused system call, an object {errno, syscall} is returned, which TypeScript turns into a HeapError.
#pragma once

#include <napi.h>

#include "node/environment.h"
#include "os/clock.h"

namespace faultline {

using Info = const Napi::CallbackInfo&;

inline uint32_t Uint32At(Info info, size_t index) { return info[index].As<Napi::Number>().Uint32Value(); }

inline double NumberAt(Info info, size_t index) { return info[index].As<Napi::Number>().DoubleValue(); }

inline uint64_t DeadlineAt(Info info, size_t index) { return NowNs() + static_cast<uint64_t>(NumberAt(info, index) * 1e6); }

inline uint64_t LimitAt(Info info, size_t index) { return static_cast<uint64_t>(NumberAt(info, index) * 1e6); }

// The heap of the external at `index`; null, with a JavaScript exception pending, if it was closed.
inline HeapInstance* HeapAt(Info info, size_t index) {
  HeapBinding* const binding = info[index].As<Napi::External<HeapBinding>>().Data();
  if (binding->instance == nullptr || binding->instance->closed()) {
    Environment::Of(info.Env())->Throw("ERR_HEAP_CLOSED", "the heap is closed.");
    return nullptr;
  }
  return binding->instance.get();
}

inline MutatorBinding* MutatorAt(Info info, size_t index) {
  MutatorBinding* const binding = info[index].As<Napi::External<MutatorBinding>>().Data();
  if (!binding->attached) {
    Environment::Of(info.Env())->Throw("ERR_MUTATOR_DETACHED", "the mutator is detached from its heap.");
    return nullptr;
  }
  return binding;
}

// A function whose first argument is a heap, or a mutator, as Node-API calls it.  If the heap is closed or the mutator detached, it does
// not run, and an exception is pending.
template <Napi::Value (*kFunction)(Info, HeapInstance&)>
Napi::Value OnHeap(Info info) {
  HeapInstance* const instance = HeapAt(info, 0);
  return instance == nullptr ? info.Env().Undefined() : kFunction(info, *instance);
}

template <Napi::Value (*kFunction)(Info, MutatorBinding&)>
Napi::Value OnMutator(Info info) {
  MutatorBinding* const binding = MutatorAt(info, 0);
  return binding == nullptr ? info.Env().Undefined() : kFunction(info, *binding);
}

// The same for functions that only a running mutator may call, because they touch the mutator view or take memory.
template <Napi::Value (*kFunction)(Info, MutatorBinding&)>
Napi::Value OnRunningMutator(Info info) {
  MutatorBinding* const binding = MutatorAt(info, 0);
  if (binding == nullptr) return info.Env().Undefined();
  if ((binding->mutator->state()->load(std::memory_order_relaxed) & kMutatorRunning) != 0) return kFunction(info, *binding);
  Environment::Of(info.Env())->Throw("ERR_MUTATOR_PARKED", "the mutator is parked; unpark it before it touches the heap.");
  return info.Env().Undefined();
}

inline Napi::Object Refusal(Napi::Env env, const SysError& error) {
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("errno", error.error_number);
  answer.Set("syscall", error.call);
  return answer;
}

inline Napi::Value Boolean(Info info, bool value) { return Napi::Boolean::New(info.Env(), value); }
inline Napi::Value Number(Info info, double value) { return Napi::Number::New(info.Env(), value); }

// The functions that the files of this folder export to JavaScript.
struct Exported {
  const char* name;
  Napi::Value (*function)(Info);
};
template <size_t kCount>
void Export(Napi::Env env, Napi::Object exports, const Exported (&functions)[kCount]) {
  for (const auto& [name, function] : functions) exports.Set(name, Napi::Function::New(env, function, name));
}

void ExportHeap(Napi::Env env, Napi::Object exports);
void ExportWeak(Napi::Env env, Napi::Object exports);
void ExportArrays(Napi::Env env, Napi::Object exports);
void ExportMutator(Napi::Env env, Napi::Object exports);
void ExportAllocation(Napi::Env env, Napi::Object exports);
void ExportGraphs(Napi::Env env, Napi::Object exports);
void ExportPins(Napi::Env env, Napi::Object exports);
void ExportCollector(Napi::Env env, Napi::Object exports);
void ExportStatistics(Napi::Env env, Napi::Object exports);
void ExportProbe(Napi::Env env, Napi::Object exports);
void ExportNotices(Napi::Env env, Napi::Object exports);
void ExportUserfaultfd(Napi::Env env, Napi::Object exports);
void ExportPageMemory(Napi::Env env, Napi::Object exports);
// All of them.
void ExportLibrary(Napi::Env env, Napi::Object exports);

}  // namespace faultline
