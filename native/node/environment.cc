#include "node/environment.h"

#include <algorithm>

#include "heap/allocation.h"
#include "heap/thread_state.h"
#include "node/javascript_watch.h"
#include "node/pages_environment.h"
#include "node/pinning.h"

namespace faultline {

namespace {

napi_ref Reference(napi_env env, Napi::Value value) {
  napi_ref reference = nullptr;
  if (value.IsObject()) napi_create_reference(env, value, 1, &reference);
  return reference;
}

void Drop(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) napi_delete_reference(env, *reference);
  *reference = nullptr;
}

}  // namespace

Environment::Environment(napi_env env) : env_(env) {}
Environment::~Environment() = default;

void Environment::Install(Napi::Env env) {
  Environment* const environment = new Environment(env);
  napi_set_instance_data(env, environment, nullptr, nullptr);
  napi_add_env_cleanup_hook(env, CleanUp, environment);
}

Environment* Environment::Of(napi_env env) {
  void* environment = nullptr;
  napi_get_instance_data(env, &environment);
  return static_cast<Environment*>(environment);
}

HeapBinding* Environment::AddHeap(std::shared_ptr<HeapInstance> instance, Napi::Value view_buffer, Napi::Value roots_buffer) {
  heaps_.push_back(std::make_unique<HeapBinding>());
  HeapBinding* const heap = heaps_.back().get();
  heap->instance = std::move(instance);
  heap->view_buffer = Reference(env_, view_buffer);
  heap->roots_buffer = Reference(env_, roots_buffer);
  return heap;
}

void Environment::ReleaseHeap(HeapBinding* heap) {
  // The instance first: it puts plain memory back under the view before the buffer may be freed.
  heap->instance.reset();
  Drop(env_, &heap->view_buffer);
  Drop(env_, &heap->roots_buffer);
}

PagesEnvironment& Environment::pages() {
  if (pages_ == nullptr) pages_ = std::make_unique<PagesEnvironment>(env_);
  return *pages_;
}

void Environment::CleanUpFirst() {
  napi_remove_env_cleanup_hook(env_, CleanUp, this);
  napi_add_env_cleanup_hook(env_, CleanUp, this);
}

MutatorBinding* Environment::AddMutator() {
  mutators_.push_back(std::make_unique<MutatorBinding>());
  return mutators_.back().get();
}

MutatorBinding* Environment::MutatorOf(const HeapInstance& instance) {
  for (auto& mutator : mutators_) {
    if (mutator->attached && mutator->instance.get() == &instance) return mutator.get();
  }
  return nullptr;
}

void Environment::DetachMutator(MutatorBinding* binding, bool in_javascript) {
  if (!binding->attached) return;
  while (!binding->pins.empty()) ReleasePin(env_, binding->pins.back(), in_javascript);
  binding->attached = false;
  Heap& heap = binding->instance->heap;
  Mutator* const mutator = binding->mutator.get();
  JavaScriptWatch watch(env_);
  Detach(*mutator, watch, [&] {
    RetireTlabs(heap, *mutator);
    if (heap.collector_hooks != nullptr) heap.collector_hooks->TakeLog(*mutator);
    AbandonLarge(heap, *mutator);
  });
  LeaveDirectory(mutator);
  heap.TellMemoryMayBeFree();
  if (binding->nudge != nullptr) napi_release_threadsafe_function(binding->nudge, napi_tsfn_abort);
  binding->nudge = nullptr;
  Drop(env_, &binding->control_buffer);
  mutator->ranges.ForEach([&](const RootRange& range) { napi_delete_reference(env_, static_cast<napi_ref>(range.memory)); });
  // The binding outlives the mutator, but must not keep its heap alive: closed heaps would accumulate in a thread that goes on.
  binding->mutator.reset();
  binding->instance.reset();
}

void Environment::BecomeControl(std::shared_ptr<HeapInstance> instance, napi_threadsafe_function wake) {
  controls_.push_back({std::move(instance), wake});
  CleanUpFirst();
}

void Environment::ResignControl(HeapInstance* instance) {
  for (Control& control : controls_) {
    if (control.instance.get() != instance) continue;
    instance->DetachControl();
    napi_release_threadsafe_function(control.wake, napi_tsfn_abort);
  }
  std::erase_if(controls_, [instance](const Control& control) { return control.instance.get() == instance; });
}

void Environment::Throw(const char* code, const char* message) {
  const Napi::Env env(env_);
  if (make_error_.IsEmpty()) {
    Napi::Error::New(env, message).ThrowAsJavaScriptException();
    return;
  }
  const Napi::Value error = make_error_.Call({Napi::String::New(env, code), Napi::String::New(env, message)});
  if (!env.IsExceptionPending()) napi_throw(env_, error);
}

void Environment::CleanUp(void* self) {
  Environment* const environment = static_cast<Environment*>(self);
  environment->pages_.reset();
  while (!environment->controls_.empty()) environment->ResignControl(environment->controls_.back().instance.get());
  // All at once: while one of them waits for a pause to end, the others must not hold up the pauses of other heaps.
  ThreadState::Current().ParkAll();
  for (auto& mutator : environment->mutators_) environment->DetachMutator(mutator.get(), false);
  for (auto& heap : environment->heaps_) {
    // A worker's own workers have ended before its hooks run; so has a control thread that was still starting.
    if (heap->control_claim != 0 && heap->instance != nullptr) heap->instance->AbandonClaim(heap->control_claim);
    environment->ReleaseHeap(heap.get());
  }
  environment->make_error_.Reset();
  environment->do_nothing_.Reset();
  delete environment;
}

}  // namespace faultline
