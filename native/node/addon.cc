// The addon: Node-API and nothing else.  What is exported here is listed, typed and documented in src/binding/.
#include <napi.h>

#include "node/arguments.h"

namespace faultline {

namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  Environment::Install(env);
  ExportHeap(env, exports);
  ExportMutator(env, exports);
  ExportAllocation(env, exports);
  ExportWeak(env, exports);
  ExportArrays(env, exports);
  ExportPins(env, exports);
  ExportGraphs(env, exports);
  ExportCollector(env, exports);
  ExportStatistics(env, exports);
  ExportProbe(env, exports);
  ExportNotices(env, exports);
  return exports;
}

}  // namespace

}  // namespace faultline

static Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) { return faultline::Initialize(env, exports); }

NODE_API_MODULE(faultline, InitializeAddon)
