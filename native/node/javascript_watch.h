// JavaScript watch: whether the JavaScript code that waits in a native call is being ended.
//
// A thread that is being terminated (worker.terminate(), process.exit()) may not call JavaScript any more, and Node-API says so at once.  A
// script whose time is up (a `vm` time limit) ends when V8 next enters a function, so this calls a function that does nothing.
//
//   the call of the function        means
//   succeeds                        nothing is being ended
//   throws without a value          V8 ends the script, and continues to do so when the native call returns
//   throws a RangeError             the stack has no room for the call
//   is refused                      the thread is being ended
#pragma once

#include <napi.h>

#include "heap/thread_state.h"

namespace faultline {

class JavaScriptWatch final : public WaitWatch {
 public:
  explicit JavaScriptWatch(napi_env env) : env_(env) {}

  // Called before the thread parks.  False if there is no point in waiting: the script is being ended, or the stack has no room to find
  // that out during the wait, and a RangeError is pending.
  bool MayWait();
  WaitCut Look() override;

 private:
  WaitCut Call(napi_value* overflow);

  const napi_env env_;
};

// Calls a function of the program.  If it throws, the exception is kept, so that further calls work, and thrown again at the end of the
// scope.
class ProgramCall {
 public:
  ProgramCall(napi_env env, napi_value function);
  ~ProgramCall();
  ProgramCall(const ProgramCall&) = delete;
  ProgramCall& operator=(const ProgramCall&) = delete;

  // Undefined if it did not return.
  napi_value result() const { return result_; }

 private:
  const napi_env env_;
  napi_value result_ = nullptr;
  napi_value thrown_ = nullptr;
};

}  // namespace faultline
