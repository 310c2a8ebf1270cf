// Copies of the graph: taken in a pause by the control thread, then read piece by piece (src/gc/heap-graph.ts).
#include <algorithm>
#include <cstring>
#include <memory>

#include "gc/checking/graph_copy.h"
#include "node/arguments.h"

namespace faultline {

namespace {

struct GraphBinding {
  std::unique_ptr<GraphCopy> copy;
};

// copyGraphPause(heap, oneByteString, twoByteString, textUnits, sliceMs): null if the world has not stopped yet
Napi::Value CopyGraphPause(Info info, HeapInstance& instance) {
  const Napi::Env env = info.Env();
  auto copy = std::make_unique<GraphCopy>();
  Status status;
  uint64_t pause_ns = 0;
  const GraphCopy::Options options{ShapeId(Uint32At(info, 1)), ShapeId(Uint32At(info, 2)), Uint32At(info, 3)};
  if (!instance.collector->CopyGraphPause(LimitAt(info, 4), options, copy.get(), &status, &pause_ns)) return env.Null();
  if (!status.ok()) return Refusal(env, status.error());
  Napi::Object answer = Napi::Object::New(env);
  // A thread that is being terminated gets no new objects.
  if (answer.IsEmpty()) return Napi::Value();
  answer.Set("objects", static_cast<double>(copy->nodes()));
  answer.Set("references", static_cast<double>(copy->edges()));
  answer.Set("roots", static_cast<double>(copy->roots()));
  answer.Set("texts", static_cast<double>(copy->texts()));
  answer.Set("firstNumber", static_cast<double>(copy->first_number()));
  answer.Set("pauseUs", static_cast<double>(pause_ns) / 1e3);
  auto* const binding = new GraphBinding{std::move(copy)};
  answer.Set("graph", Napi::External<GraphBinding>::New(env, binding, [](Napi::Env, GraphBinding* it) { delete it; }));
  return answer;
}

// readGraph(graph, part, byteOffset, into: Uint8Array): bytes copied
Napi::Value ReadGraph(Info info) {
  const GraphBinding* const binding = info[0].As<Napi::External<GraphBinding>>().Data();
  if (binding->copy == nullptr) return Number(info, 0);
  const GraphCopy::Bytes part = binding->copy->PartOf(static_cast<GraphCopy::Part>(Uint32At(info, 1)));
  const size_t offset = static_cast<size_t>(NumberAt(info, 2));
  Napi::Uint8Array into = info[3].As<Napi::Uint8Array>();
  const size_t bytes = offset >= part.bytes ? 0 : std::min(part.bytes - offset, into.ByteLength());
  if (bytes > 0) memcpy(into.Data(), part.data + offset, bytes);
  return Number(info, static_cast<double>(bytes));
}

// dropGraph(graph): frees its memory now
Napi::Value DropGraph(Info info) {
  info[0].As<Napi::External<GraphBinding>>().Data()->copy.reset();
  return info.Env().Undefined();
}

}  // namespace

void ExportGraphs(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"copyGraphPause", OnHeap<CopyGraphPause>},
      {"readGraph", ReadGraph},
      {"dropGraph", DropGraph},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
