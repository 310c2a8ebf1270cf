// The functions that the library exports to JavaScript, in the published addon and in the one for benchmarks.  They are listed, typed and
// documented in src/binding/.
#include "node/arguments.h"

namespace faultline {

void ExportLibrary(Napi::Env env, Napi::Object exports) {
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
  ExportUserfaultfd(env, exports);
  ExportPageMemory(env, exports);
}

}  // namespace faultline
