// Mutators: attach and detach, safepoints, parking, root ranges.
#include <algorithm>

#include "heap/load_barrier.h"
#include "heap/thread_state.h"
#include "node/arguments.h"
#include "node/javascript_watch.h"
#include "os/delays.h"
#include "os/fault_signals.h"

namespace faultline {

namespace {

// Runs on the mutator's own thread, from its event loop, where no raw reference can be alive: a safepoint.
void AtEventLoop(napi_env env, napi_value on_nudge, void* context, void*) {
  MutatorBinding* const binding = static_cast<MutatorBinding*>(context);
  if (env == nullptr || on_nudge == nullptr || !binding->attached) return;
  Mutator& mutator = *binding->mutator;
  // A thread that has come to a safepoint by itself meanwhile was not idle.
  const bool waited_for = (mutator.state()->load(std::memory_order_relaxed) & kMutatorStopRequested) != 0;
  mutator.idles.store(waited_for, std::memory_order_relaxed);
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, on_nudge, 0, nullptr, nullptr);
}

void Nudge(void* context) {
  MutatorBinding* const binding = static_cast<MutatorBinding*>(context);
  napi_call_threadsafe_function(binding->nudge, nullptr, napi_tsfn_nonblocking);
}

napi_threadsafe_function MakeNudge(napi_env env, MutatorBinding* binding, napi_value on_nudge) {
  napi_value name;
  napi_create_string_utf8(env, "faultline-safepoint", NAPI_AUTO_LENGTH, &name);
  napi_threadsafe_function nudge = nullptr;
  napi_create_threadsafe_function(env, on_nudge, nullptr, name, 0, 1, nullptr, nullptr, binding, AtEventLoop, &nudge);
  // A mutator does not keep its thread alive.
  if (nudge != nullptr) napi_unref_threadsafe_function(env, nudge);
  return nudge;
}

// attachMutator(heap, control: Uint32Array, localCapacity, handleCapacity, onNudge): mutator, parked
Napi::Value AttachMutator(Info info, HeapInstance& instance) {
  Environment* const environment = Environment::Of(info.Env());
  if (MutatorBinding* const present = environment->MutatorOf(instance);
      present != nullptr && present->mutator->control[control::kAdopted] == 0) {
    environment->DetachMutator(present, true);
  }
  if (CurrentMutator(&instance.heap) != nullptr) return Napi::String::New(info.Env(), "ERR_MUTATOR_ATTACHED");
  const HeldBy held_by = TraitsOf(instance.collector->pages().fault_mode().kind()).held_by;
  if ((held_by == HeldBy::kBusSignal && ThreadBlocks(FaultSignal::kBus)) ||
      (held_by == HeldBy::kSegmentationSignal && ThreadBlocks(FaultSignal::kSegmentation))) {
    return Napi::String::New(info.Env(), "ERR_SIGNAL_BLOCKED");
  }
  MutatorBinding* const binding = environment->AddMutator();
  const std::shared_ptr<HeapInstance> shared = info[0].As<Napi::External<HeapBinding>>().Data()->instance;
  if (!instance.BeginAttach()) return Napi::String::New(info.Env(), "ERR_HEAP_CLOSED");
  binding->instance = shared;
  binding->mutator =
      std::make_unique<Mutator>(&instance.heap, info[1].As<Napi::Uint32Array>().Data(), Uint32At(info, 2), Uint32At(info, 3));
  if (instance.collector->options().track_utilization) (void)binding->mutator->timeline.Create().ok();
  napi_create_reference(info.Env(), info[1].As<Napi::TypedArray>().ArrayBuffer(), 1, &binding->control_buffer);
  binding->nudge = MakeNudge(info.Env(), binding, info[4]);
  environment->CleanUpFirst();
  binding->mutator->nudge = binding->nudge == nullptr ? nullptr : Nudge;
  binding->mutator->nudge_context = binding;
  EnterInDirectory(binding->mutator.get());
  JavaScriptWatch watch(info.Env());
  Attach(*binding->mutator, instance.heap.handshake, watch);
  binding->attached = true;
  instance.EndAttach();
  return Napi::External<MutatorBinding>::New(info.Env(), binding);
}

Napi::Value DetachMutator(Info info) {
  MutatorBinding* const binding = info[0].As<Napi::External<MutatorBinding>>().Data();
  Environment::Of(info.Env())->DetachMutator(binding, true);
  return info.Env().Undefined();
}

// safepoint(mutator): stops if that is requested of a running mutator of the thread
Napi::Value Safepoint(Info info, MutatorBinding&) {
  ThreadState& thread = ThreadState::Current();
  if (!thread.IsStopRequested()) return info.Env().Undefined();
  JavaScriptWatch watch(info.Env());
  if (watch.MayWait()) {
    const ThreadWait wait(watch);
  } else {
    thread.Announce(nullptr);  // The request stays in force; the next poll sees it.
  }
  return info.Env().Undefined();
}

Napi::Value Park(Info info, MutatorBinding& binding) {
  binding.instance->heap.handshake.Park(binding.mutator.get());
  return info.Env().Undefined();
}

// unpark(mutator)
Napi::Value Unpark(Info info, MutatorBinding& binding) {
  JavaScriptWatch watch(info.Env());
  if (binding.instance->heap.handshake.TryRun(binding.mutator.get())) return info.Env().Undefined();
  // If the script is being ended already, the mutator still runs again, as after any wait.
  if (!watch.MayWait() && info.Env().IsExceptionPending()) return info.Env().Undefined();
  faultline::Unpark(*binding.mutator, watch);
  return info.Env().Undefined();
}

// parked(mutator, wait): what wait() returns.  However that ends, a mutator that ran before it runs again.
Napi::Value Parked(Info info, MutatorBinding& binding) {
  JavaScriptWatch watch(info.Env());
  if (!watch.MayWait()) return Napi::Value();
  const bool ran = binding.instance->heap.handshake.Park(binding.mutator.get());
  const ProgramCall call(info.Env(), info[1]);
  if (ran && binding.attached) faultline::Unpark(*binding.mutator, watch);
  return Napi::Value(info.Env(), call.result());
}

// allParked(mutator, wait): the same for all mutators of the thread
Napi::Value AllParked(Info info, MutatorBinding&) {
  JavaScriptWatch watch(info.Env());
  if (!watch.MayWait()) return Napi::Value();
  ThreadWait wait(watch, ThreadWait::Meanwhile::kProgram);
  const ProgramCall call(info.Env(), info[1]);
  wait.Return();
  return Napi::Value(info.Env(), call.result());
}

// flushLog(mutator): empties the write barrier's log
Napi::Value FlushLog(Info info, MutatorBinding& binding) {
  binding.instance->collector->TakeLog(*binding.mutator);
  return info.Env().Undefined();
}

// loadReference(mutator, slot): applies the load barrier to the slot with that index into u32
Napi::Value LoadAReference(Info info, MutatorBinding& binding) {
  Heap& heap = binding.instance->heap;
  uint32_t* const slots = reinterpret_cast<uint32_t*>(heap.views.mutator_view());
  return Number(info, LoadReference(heap, *binding.mutator, slots + static_cast<uint64_t>(NumberAt(info, 1))));
}

// isObject(mutator, ref)
Napi::Value IsObject(Info info, MutatorBinding& binding) { return Boolean(info, binding.instance->collector->IsObject(Uint32At(info, 1))); }

// addRootRange(mutator, slots: Uint32Array, used: Uint32Array).  used[0] is how many slots count, used[1] the number of the range, 0 for
// none.
Napi::Value AddRootRange(Info info, MutatorBinding& binding) {
  Napi::Uint32Array slots = info[1].As<Napi::Uint32Array>();
  napi_ref keep = nullptr;
  napi_create_reference(info.Env(), slots.ArrayBuffer(), 1, &keep);
  uint32_t* const used = info[2].As<Napi::Uint32Array>().Data();
  const uint32_t capacity = static_cast<uint32_t>(slots.ElementLength());
  JavaScriptWatch watch(info.Env());
  ChangeRoots(*binding.mutator, watch, [&] { used[1] = binding.mutator->ranges.Add(slots.Data(), used, capacity, keep); });
  return info.Env().Undefined();
}

// removeRootRange(mutator, used).  A second call does nothing: code that is interrupted just as the call returns does not know that it was
// made.
Napi::Value RemoveRootRange(Info info, MutatorBinding& binding) {
  uint32_t* const used = info[1].As<Napi::Uint32Array>().Data();
  if (used[1] == 0) return info.Env().Undefined();
  void* buffer = nullptr;
  JavaScriptWatch watch(info.Env());
  ChangeRoots(*binding.mutator, watch, [&] { buffer = binding.mutator->ranges.Remove(used[1]); });
  used[1] = 0;
  napi_delete_reference(info.Env(), static_cast<napi_ref>(buffer));
  return info.Env().Undefined();
}

// scope(mutator, body): what `body` returns.  However it ends, even if V8 skips every `finally` (a time limit), there are as many local
// handles, scopes and views of scopes afterwards as before.
Napi::Value Scope(Info info, MutatorBinding& binding) {
  uint32_t* const control = binding.mutator->control;
  const uint32_t locals = control[control::kLocalsUsed];
  const uint32_t scopes = control[control::kScopes]++;
  const uint32_t views = control[control::kScopedViews];
  const Napi::Env env = info.Env();
  napi_value answer = nullptr;
  napi_call_function(env, env.Undefined(), info[1], 0, nullptr, &answer);
  // If it was detached, its control block may be gone.
  if (!binding.attached) return Napi::Value(env, answer);
  std::fill(control + control::kSlots + locals, control + control::kSlots + std::max(locals, control[control::kLocalsUsed]), 0);
  control[control::kLocalsUsed] = locals;
  control[control::kScopes] = scopes;
  control[control::kScopedViews] = views;
  return Napi::Value(env, answer);
}

// utilization(mutator, windowMs): the smallest share of mutator time in any window
Napi::Value Utilization(Info info, MutatorBinding& binding) {
  return Number(info, binding.mutator->timeline.WorstUtilization(static_cast<uint64_t>(NumberAt(info, 1) * 1e6)));
}

// mutatorId(mutator): never 0, and never given out again in this heap
Napi::Value MutatorId(Info info, MutatorBinding& binding) { return Number(info, binding.mutator->id); }

// isMutator(mutator, id): whether the mutator of that id is still attached to the same heap
Napi::Value IsMutator(Info info, MutatorBinding& binding) {
  Handshake& handshake = binding.instance->heap.handshake;
  const uint32_t id = Uint32At(info, 1);
  const LockGuard guard(handshake.lock());
  // They are in the order of their ids, because each is added at the end.
  return Boolean(info, std::ranges::binary_search(handshake.mutators(), id, {}, &Mutator::id));
}

}  // namespace

void ExportMutator(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"attachMutator", OnHeap<AttachMutator>},
      {"detachMutator", DetachMutator},
      {"safepoint", OnMutator<Safepoint>},
      {"park", OnMutator<Park>},
      {"unpark", OnMutator<Unpark>},
      {"parked", OnMutator<Parked>},
      {"allParked", OnMutator<AllParked>},
      {"scope", OnMutator<Scope>},
      {"flushLog", OnMutator<FlushLog>},
      {"loadReference", OnRunningMutator<LoadAReference>},
      {"addRootRange", OnMutator<AddRootRange>},
      {"removeRootRange", OnMutator<RemoveRootRange>},
      {"isObject", OnMutator<IsObject>},
      {"utilization", OnMutator<Utilization>},
      {"mutatorId", OnMutator<MutatorId>},
      {"isMutator", OnMutator<IsMutator>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
