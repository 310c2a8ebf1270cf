// Notices: the warnings that this process has given.  Each thread has its own modules, but a warning is given once per process.
#include <string>
#include <unordered_set>

#include "node/arguments.h"
#include "os/lock.h"

namespace faultline {

namespace {

Lock notices_mutex;
// Never destroyed: a worker thread may ask while the process ends.
std::unordered_set<std::string>& Notices() {
  static auto* const notices = new std::unordered_set<std::string>;
  return *notices;
}

// isNews(text): whether the text was not passed before
Napi::Value IsNews(Info info) {
  const std::string text = info[0].As<Napi::String>();
  const LockGuard lock(notices_mutex);
  return Boolean(info, Notices().insert(text).second);
}

// forgetNotices()
Napi::Value ForgetNotices(Info info) {
  const LockGuard lock(notices_mutex);
  Notices().clear();
  return info.Env().Undefined();
}

}  // namespace

void ExportNotices(Napi::Env env, Napi::Object exports) { Export(env, exports, {{"isNews", IsNews}, {"forgetNotices", ForgetNotices}}); }

}  // namespace faultline
