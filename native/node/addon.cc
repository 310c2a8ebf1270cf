// The addon: Node-API and nothing else.
#include <napi.h>

#include "node/arguments.h"

static Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
  faultline::ExportLibrary(env, exports);
  return exports;
}

NODE_API_MODULE(faultline, InitializeAddon)
