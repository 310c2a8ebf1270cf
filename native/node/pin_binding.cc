// Pins: made by JavaScript, and released by JavaScript, by the end of their mutator, or by V8; see node/pinning.h.
#include <memory>

#include "node/arguments.h"
#include "node/pinning.h"

namespace faultline {

namespace {

void LetGo(PinBinding* pin) {
  if (--pin->holders > 0) return;
  pin->mapping.Close();
  if (pin->pinned_until_gone != nullptr) pin->pinned_until_gone->heap.pins.Remove(pin->pin);
  delete pin;
}

// V8 may free backing stores on any thread; Node calls this on the thread of the environment.
void BackingStoreFreed(napi_env, void*, void* hint) { LetGo(static_cast<PinBinding*>(hint)); }

void BufferCollected(napi_env env, void* data, void*) {
  PinBinding* const pin = static_cast<PinBinding*>(data);
  ReleasePin(env, pin, false);
  if (pin->buffer != nullptr) napi_delete_reference(env, pin->buffer);
  pin->buffer = nullptr;
  LetGo(pin);
}

// True if the ArrayBuffer still had its contents.
bool DetachBuffer(napi_env env, napi_ref reference) {
  const Napi::HandleScope scope(env);
  napi_value buffer = nullptr;
  bool detached = true;
  if (napi_get_reference_value(env, reference, &buffer) != napi_ok || buffer == nullptr) return false;
  if (napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) return false;
  return napi_detach_arraybuffer(env, buffer) == napi_ok;
}

// pin(mutator, object, byteOffset, byteLength): {pin, buffer, address}, a refusal, or the code of the error that prevents it
Napi::Value Pin(Info info, MutatorBinding& binding) {
  const Napi::Env env = info.Env();
  Heap& heap = binding.instance->heap;
  const WordIndex object = Uint32At(info, 1);
  if (!Pins::CanPin(heap, object)) return Napi::String::New(env, "ERR_NOT_PINNABLE");
  const size_t bytes = static_cast<size_t>(NumberAt(info, 3));
  auto pin = std::make_unique<PinBinding>();
  const size_t offset = size_t{object} * kWordBytes + static_cast<size_t>(NumberAt(info, 2));
  if (Status status = pin->mapping.Create(heap.file, offset, bytes); !status.ok()) return Refusal(env, status.error());

  napi_value buffer = nullptr;
  // Refused if V8 keeps all array buffers in a sandbox (Electron), or in a thread that is being terminated.
  if (napi_create_external_arraybuffer(env, pin->mapping.data(), bytes, BackingStoreFreed, pin.get(), &buffer) != napi_ok) {
    if (Napi::Env(env).IsExceptionPending()) return Napi::Value();
    return Napi::String::New(env, "ERR_PIN_REFUSED");
  }
  PinBinding* const held = pin.release();
  held->holders = 2;
  napi_add_finalizer(env, buffer, held, BufferCollected, nullptr, nullptr);
  napi_create_reference(env, buffer, 0, &held->buffer);
  held->pin = heap.pins.Add(heap, object, bytes);
  held->mutator = &binding;
  held->place = binding.pins.insert(binding.pins.end(), held);

  Napi::Object answer = Napi::Object::New(env);
  if (answer.IsEmpty()) return Napi::Value();
  answer.Set("buffer", Napi::Value(env, buffer));
  answer.Set("address", Napi::BigInt::New(env, static_cast<uint64_t>(reinterpret_cast<uintptr_t>(held->mapping.data()))));
  answer.Set("pin", Napi::External<PinBinding>::New(env, held));
  return answer;
}

// unpin(pin).  The caller has the ArrayBuffer, so the pin exists.
Napi::Value Unpin(Info info) {
  ReleasePin(info.Env(), info[0].As<Napi::External<PinBinding>>().Data(), true);
  return info.Env().Undefined();
}

}  // namespace

void ReleasePin(napi_env env, PinBinding* pin, bool in_javascript) {
  MutatorBinding* const mutator = pin->mutator;
  if (mutator == nullptr) return;
  pin->mutator = nullptr;
  mutator->pins.erase(pin->place);
  // If the ArrayBuffer has lost its contents, another one has them now: they must stay readable, as zeros.
  const bool detached = in_javascript && DetachBuffer(env, pin->buffer);
  // The mapping before the pin: once the pin is removed, the memory may be used for something else.
  if (pin->mapping.Revoke(!detached)) {
    mutator->instance->heap.pins.Remove(pin->pin);
  } else {
    pin->pinned_until_gone = mutator->instance;
  }
}

void ExportPins(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"pin", OnMutator<Pin>},
      {"unpin", Unpin},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
