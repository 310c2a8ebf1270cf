#include "node/javascript_watch.h"

#include "node/environment.h"

namespace faultline {

namespace {

// Takes the pending exception; null if there is none.
napi_value TakeException(napi_env env) {
  bool pending = false;
  napi_value thrown = nullptr;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return nullptr;
  napi_get_and_clear_last_exception(env, &thrown);
  return thrown;
}

// What V8 throws when it ends a script.  A program may throw the same value.
bool IsNoValue(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_null || type == napi_undefined;
}

}  // namespace

WaitCut JavaScriptWatch::Call(napi_value* overflow) {
  napi_value function = nullptr;
  napi_value undefined = nullptr;
  napi_value result = nullptr;
  napi_get_undefined(env_, &undefined);
  napi_get_reference_value(env_, Environment::Of(env_)->do_nothing(), &function);
  const napi_status status = napi_call_function(env_, undefined, function, 0, nullptr, &result);
  if (status == napi_ok) return WaitCut::kNone;
  const napi_value thrown = TakeException(env_);
  if (thrown != nullptr && !IsNoValue(env_, thrown)) {
    *overflow = thrown;
    return WaitCut::kNone;
  }
  // If there is no exception and V8 did not fail, then Node-API does not allow calls of JavaScript any more.
  return thrown != nullptr || status == napi_generic_failure ? WaitCut::kScript : WaitCut::kThread;
}

bool JavaScriptWatch::MayWait() {
  napi_value overflow = nullptr;
  const WaitCut cut = Call(&overflow);
  if (overflow != nullptr) napi_throw(env_, overflow);
  return cut == WaitCut::kNone && overflow == nullptr;
}

WaitCut JavaScriptWatch::Look() {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return WaitCut::kThread;
  napi_value overflow = nullptr;
  const WaitCut cut = Call(&overflow);
  napi_close_handle_scope(env_, scope);
  return cut;
}

ProgramCall::ProgramCall(napi_env env, napi_value function) : env_(env) {
  napi_value undefined = nullptr;
  napi_get_undefined(env, &undefined);
  if (napi_call_function(env, undefined, function, 0, nullptr, &result_) == napi_ok) return;
  result_ = nullptr;
  thrown_ = TakeException(env);
  if (thrown_ == nullptr || !IsNoValue(env, thrown_)) return;
  if (JavaScriptWatch(env).Look() != WaitCut::kNone) thrown_ = nullptr;
}

ProgramCall::~ProgramCall() {
  if (thrown_ != nullptr) napi_throw(env_, thrown_);
}

}  // namespace faultline
