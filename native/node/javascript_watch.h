// JavaScript watch: whether the JavaScript that waits in a native call is to end.
//
// A thread that is being terminated (worker.terminate(), process.exit()) may call no JavaScript any more, and Node-API says so at once.  A
// script whose time is up (a `vm` time limit) ends when V8 next enters a function: so one is entered that does nothing.
//
//   the call of the function        means
//   succeeds                        nothing
//   throws no value                 V8 ends the script, and goes on ending it when the native call returns
//   throws a RangeError             there is no room on the stack for it
//   is refused                      the thread is being ended
#pragma once

#include <napi.h>

#include "heap/thread_state.h"

namespace faultline {

class JavaScriptWatch final : public WaitWatch {
 public:
  explicit JavaScriptWatch(napi_env env) : env_(env) {}

  // Asked before the thread parks.  False when there is no point in waiting: what ends the script is under way, or, where the stack has no
  // room to find that out during the wait, a RangeError is pending.
  bool MayWait();
  WaitCut Look() override;

 private:
  WaitCut Call(napi_value* overflow);

  const napi_env env_;
};

// Calls a function of the program.  The exception that it threw is kept aside, so that calls go on to work, until the end of the scope,
// where it is thrown again.
class ProgramCall {
 public:
  ProgramCall(napi_env env, napi_value function);
  ~ProgramCall();
  ProgramCall(const ProgramCall&) = delete;
  ProgramCall& operator=(const ProgramCall&) = delete;

  // Undefined when it did not return.
  napi_value result() const { return result_; }

 private:
  const napi_env env_;
  napi_value result_ = nullptr;
  napi_value thrown_ = nullptr;
};

}  // namespace faultline
