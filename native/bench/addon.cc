// The addon for benchmarks: everything of the published one, and native mutators.  bench/invocation/native.ts says what is where.
#include <time.h>

#include <cstring>

#include "bench/hardware_counters.h"
#include "bench/run.h"
#include "bench/turns.h"
#include "node/arguments.h"
#include "os/page_touch.h"

namespace faultline {

namespace {

using Info = const Napi::CallbackInfo&;

// Triples of start, length and cause (index of INTERRUPTIONS in bench/invocation/messages.ts), times in ns of the monotonic clock.
Napi::Value Triples(Napi::Env env, const std::vector<Timeline::Interval>& intervals) {
  Napi::Float64Array triples = Napi::Float64Array::New(env, intervals.size() * 3);
  double* at = triples.Data();
  for (const Timeline::Interval& interval : intervals) {
    *at++ = static_cast<double>(interval.start_ns);
    *at++ = interval.length_ns;
    *at++ = static_cast<double>(interval.cause);
  }
  return triples;
}

Napi::Value AllocatedOf(Napi::Env env, const bench::Census& census) {
  Napi::Float64Array sizes = Napi::Float64Array::New(env, bench::Census::kSizes);
  for (uint32_t words = 0; words < bench::Census::kSizes; ++words) {
    sizes[words] = static_cast<double>(census.objects_of_words[words]);
  }
  Napi::Object allocated = Napi::Object::New(env);
  allocated.Set("sizes", sizes);
  allocated.Set("allocatedWords", static_cast<double>(census.words));
  allocated.Set("referenceSlots", static_cast<double>(census.reference_slots));
  return allocated;
}

// Of the options of a workload: its knobs, and tables that its mutators share.
bench::Parameters ParametersOf(const Napi::Object& given) {
  bench::Parameters known;
  const Napi::Object parameters = given.Get("parameters").As<Napi::Object>();
  const Napi::Array names = parameters.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value name = names[i];
    const Napi::Value value = parameters.Get(name);
    if (value.IsNumber()) known.Set(name.As<Napi::String>(), value.As<Napi::Number>().DoubleValue());
  }
  const Napi::Object tables = given.Get("tables").As<Napi::Object>();
  const Napi::Array table_names = tables.GetPropertyNames();
  for (uint32_t i = 0; i < table_names.Length(); ++i) {
    const Napi::Value name = table_names[i];
    const Napi::Uint32Array table = tables.Get(name).As<Napi::Uint32Array>();
    known.SetTable(name.As<Napi::String>(), {table.Data(), static_cast<uint32_t>(table.ElementLength())});
  }
  return known;
}

// runWorkload(heapId, options, control: Int32Array, gauges: Float64Array, pieces: Float64Array, requests: Float64Array | null,
// looks: Float64Array | null): blocks until the mutator has ended; null when there is no such heap.
Napi::Value RunWorkload(Info info) {
  const Napi::Env env = info.Env();
  std::shared_ptr<HeapInstance> instance = HeapInstance::Find(Uint32At(info, 0));
  if (instance == nullptr || instance->closed()) return env.Null();
  const Napi::Object given = info[1].As<Napi::Object>();
  const auto number = [&given](const char* name) { return given.Get(name).As<Napi::Number>().DoubleValue(); };
  bench::RunOptions options;
  options.workload = given.Get("workload").As<Napi::String>();
  options.seed = static_cast<uint32_t>(number("seed"));
  options.warm_up = static_cast<uint32_t>(number("warmUp"));
  options.operations = static_cast<uint32_t>(number("operations"));
  options.interval_ns = number("intervalNs");
  options.looks_interval_ns = number("looksIntervalNs");
  options.corrupt_at = static_cast<uint32_t>(number("corruptAt"));
  options.parameters = ParametersOf(given);
  options.control = info[2].As<Napi::Int32Array>().Data();
  options.gauges = info[3].As<Napi::Float64Array>().Data();
  options.pieces = info[4].As<Napi::Float64Array>().Data();
  options.piece_steps = static_cast<uint32_t>(number("pieceSteps"));
  options.counts = given.Get("census").As<Napi::Boolean>();
  if (info[5].IsTypedArray()) options.requests = info[5].As<Napi::Float64Array>().Data();

  if (info[6].IsTypedArray()) {
    Napi::Float64Array looks = info[6].As<Napi::Float64Array>();
    options.looks = looks.Data();
    options.most_looks = static_cast<uint32_t>(looks.ElementLength() / 2);
  }

  const auto result = std::make_unique<bench::RunResult>(bench::Run(std::move(instance), options));
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("known", result->known);
  answer.Set("outOfMemory", result->out_of_memory);
  answer.Set("checks", static_cast<double>(result->checks));
  answer.Set("mismatches", static_cast<double>(result->mismatches));
  answer.Set("checksum", result->checksum);
  if (result->census != nullptr) answer.Set("allocated", AllocatedOf(env, *result->census));
  answer.Set("interruptions", Triples(env, result->interruptions));
  return answer;
}

// interruptions(heapId): of the calling thread's mutator
Napi::Value Interruptions(Info info) {
  std::vector<Timeline::Interval> intervals;
  const std::shared_ptr<HeapInstance> instance = HeapInstance::Find(Uint32At(info, 0));
  const Mutator* const mutator = instance == nullptr ? nullptr : CurrentMutator(&instance->heap);
  if (mutator != nullptr) {
    mutator->timeline.ForEachInterval([&](const Timeline::Interval& interval) { intervals.push_back(interval); });
  }
  return Triples(info.Env(), intervals);
}

// beginTurns(heapId, options): turns of a native mutator of the calling thread, which is to end them; null when there is no such heap
// or no such workload.
Napi::Value BeginTurns(Info info) {
  const Napi::Env env = info.Env();
  std::shared_ptr<HeapInstance> instance = HeapInstance::Find(Uint32At(info, 0));
  if (instance == nullptr || instance->closed()) return env.Null();
  const Napi::Object given = info[1].As<Napi::Object>();
  const std::string workload = given.Get("workload").As<Napi::String>();
  const uint32_t seed = given.Get("seed").As<Napi::Number>().Uint32Value();
  auto turns = std::make_unique<bench::Turns>(std::move(instance), workload, ParametersOf(given), seed);
  if (!turns->known()) return env.Null();
  return Napi::External<bench::Turns>::New(env, turns.release());
}

// takeTurn(turns, operations): CPU time in ns
Napi::Value TakeTurn(Info info) {
  bench::Turns* const turns = info[0].As<Napi::External<bench::Turns>>().Data();
  return Napi::Number::New(info.Env(), static_cast<double>(turns->Take(Uint32At(info, 1))));
}

// endTurns(turns): how many checks found something else than was stored
Napi::Value EndTurns(Info info) {
  const std::unique_ptr<bench::Turns> turns(info[0].As<Napi::External<bench::Turns>>().Data());
  return Napi::Number::New(info.Env(), static_cast<double>(turns->mismatches()));
}

// touchHeap(heapId): writes to each page of the heap, so that nobody has to wait for the system's pages later; false when there is no
// such heap.  Its mutators may be at work.
Napi::Value TouchHeap(Info info) {
  const std::shared_ptr<HeapInstance> instance = HeapInstance::Find(Uint32At(info, 0));
  if (instance == nullptr || instance->closed()) return Napi::Boolean::New(info.Env(), false);
  uint8_t* const view = instance->heap.views.mutator_view();
  const uint64_t bytes = uint64_t{instance->heap.regions.capacity()} * kRegionBytes;
  for (uint64_t at = 0; at < bytes; at += kPageBytes) TouchPage(view + at);
  return Napi::Boolean::New(info.Env(), true);
}

// processCpuNs(pid): of all threads of a process, those that have ended among them; negative when it cannot be told
Napi::Value ProcessCpu(Info info) {
  clockid_t clock;
  timespec time = {};
  const bool known = clock_getcpuclockid(static_cast<pid_t>(Uint32At(info, 0)), &clock) == 0 && clock_gettime(clock, &time) == 0;
  return Napi::Number::New(info.Env(), known ? static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec) : -1);
}

// openCounters(): of the calling thread and of those that come from it from here on; {name: number} of those that are open, or why not.
Napi::Value OpenCounters(Info info) {
  Napi::Object answer = Napi::Object::New(info.Env());
  for (uint32_t i = 0; i < bench::kCounters; ++i) answer.Set(bench::CounterName(i), bench::OpenCounter(i));
  return answer;
}

// readCounters(): {name: count} of those that are open
Napi::Value ReadCounters(Info info) {
  Napi::Object answer = Napi::Object::New(info.Env());
  for (uint32_t i = 0; i < bench::kCounters; ++i) {
    double count = 0;
    if (bench::ReadCounter(i, &count)) answer.Set(bench::CounterName(i), count);
  }
  return answer;
}

Napi::Value ThreadCpu(Info info) { return Napi::Number::New(info.Env(), static_cast<double>(ThreadCpuNs())); }

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  ExportLibrary(env, exports);
  exports.Set("runWorkload", Napi::Function::New(env, RunWorkload, "runWorkload"));
  exports.Set("interruptions", Napi::Function::New(env, Interruptions, "interruptions"));
  exports.Set("beginTurns", Napi::Function::New(env, BeginTurns, "beginTurns"));
  exports.Set("takeTurn", Napi::Function::New(env, TakeTurn, "takeTurn"));
  exports.Set("endTurns", Napi::Function::New(env, EndTurns, "endTurns"));
  exports.Set("touchHeap", Napi::Function::New(env, TouchHeap, "touchHeap"));
  exports.Set("processCpuNs", Napi::Function::New(env, ProcessCpu, "processCpuNs"));
  exports.Set("openCounters", Napi::Function::New(env, OpenCounters, "openCounters"));
  exports.Set("readCounters", Napi::Function::New(env, ReadCounters, "readCounters"));
  exports.Set("intervalsKept", static_cast<double>(Timeline::kIntervals));
  exports.Set("threadCpuNs", Napi::Function::New(env, ThreadCpu, "threadCpuNs"));
  return exports;
}

}  // namespace

}  // namespace faultline

static Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) { return faultline::Initialize(env, exports); }

NODE_API_MODULE(faultline, InitializeAddon)
