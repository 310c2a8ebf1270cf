// Environment: what one JavaScript thread holds of this addon, and how it is released when the thread ends.
//
// One clean-up hook releases everything: it detaches mutators, undoes a control thread's stop, and releases heaps.  The hook of a worker
// runs however the worker ends; that of the main thread does not run on process.exit(), so nothing that other threads wait for may depend
// on it.
#pragma once

#include <napi.h>

#include <list>
#include <memory>
#include <vector>

#include "node/instance.h"

namespace faultline {

class PagesEnvironment;
struct PinBinding;

// A mutator of this thread; empty once it is detached.
struct MutatorBinding {
  std::shared_ptr<HeapInstance> instance;
  std::unique_ptr<Mutator> mutator;
  napi_ref control_buffer = nullptr;  // Keeps the control block's SharedArrayBuffer alive.
  std::list<PinBinding*> pins;        // Those that are held.
  napi_threadsafe_function nudge = nullptr;
  bool attached = false;
};

// A heap as this thread uses it.
struct HeapBinding {
  std::shared_ptr<HeapInstance> instance;
  napi_ref view_buffer = nullptr;
  napi_ref roots_buffer = nullptr;
  uint32_t control_claim = 0;  // The claim with which this environment started a control thread; 0 if it has not.
};

class Environment {
 public:
  static Environment* Of(napi_env env);
  static void Install(Napi::Env env);

  HeapBinding* AddHeap(std::shared_ptr<HeapInstance> instance, Napi::Value view_buffer, Napi::Value roots_buffer);
  void ReleaseHeap(HeapBinding* heap);

  MutatorBinding* AddMutator();
  // The attached mutator of that heap, or null.
  MutatorBinding* MutatorOf(const HeapInstance& instance);
  // Releases its pins too.  Without `in_javascript`, the thread runs no JavaScript any more.
  void DetachMutator(MutatorBinding* mutator, bool in_javascript);

  void BecomeControl(std::shared_ptr<HeapInstance> instance, napi_threadsafe_function wake);
  void ResignControl(HeapInstance* instance);

  // What this thread holds of the page interface.
  PagesEnvironment& pages();

  // Hooks run last in, first out.  A thread-safe function has a hook of its own that closes it; ours must run before that, so it is
  // registered again after each such function is made.
  void CleanUpFirst();

  // A function that does nothing (node/javascript_watch.h).
  void WatchBy(Napi::Function do_nothing) { do_nothing_ = Napi::Persistent(do_nothing); }
  napi_ref do_nothing() const { return do_nothing_; }

  // TypeScript makes the errors that native code throws: make(code, message).
  void MakeErrorsBy(Napi::Function make) { make_error_ = Napi::Persistent(make); }
  void Throw(const char* code, const char* message);

 private:
  explicit Environment(napi_env env);
  ~Environment();
  static void CleanUp(void* self);

  struct Control {
    std::shared_ptr<HeapInstance> instance;
    napi_threadsafe_function wake;
  };

  napi_env env_;
  Napi::FunctionReference make_error_;
  Napi::FunctionReference do_nothing_;
  // Bindings stay allocated until the environment ends: JavaScript may still hold their externals.
  std::vector<std::unique_ptr<HeapBinding>> heaps_;
  std::vector<std::unique_ptr<MutatorBinding>> mutators_;
  std::vector<Control> controls_;
  std::unique_ptr<PagesEnvironment> pages_;  // Made on first use.
};

}  // namespace faultline
