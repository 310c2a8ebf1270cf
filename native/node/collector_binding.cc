// The collector's steps, for the control thread and its workers (src/gc/collector.ts, src/gc/worker.ts).
#include <algorithm>
#include <cstring>

#include "node/arguments.h"

namespace faultline {

namespace {

void CallRequested(napi_env env, napi_value callback, void*, void*) {
  if (env == nullptr || callback == nullptr) return;
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, callback, 0, nullptr, nullptr);
}

// becomeControl(heap, onRequest): false if another thread is in control, or no control thread is needed any more
Napi::Value BecomeControl(Info info) {
  const std::shared_ptr<HeapInstance> instance = info[0].As<Napi::External<HeapBinding>>().Data()->instance;
  napi_threadsafe_function wake = nullptr;
  napi_create_threadsafe_function(info.Env(), info[1], nullptr, Napi::String::New(info.Env(), "faultline-control"), 0, 1, nullptr, nullptr,
                                  nullptr, CallRequested, &wake);
  if (wake == nullptr || !instance->AttachControl(wake)) {
    if (wake != nullptr) napi_release_threadsafe_function(wake, napi_tsfn_abort);
    return Boolean(info, false);
  }
  instance->heap.statistics.collector_cpu[Gang::kControlWorker].Adopt();
  Environment::Of(info.Env())->BecomeControl(instance, wake);
  return Boolean(info, true);
}

Napi::Value ResignControl(Info info) {
  HeapBinding* const binding = info[0].As<Napi::External<HeapBinding>>().Data();
  if (binding->instance != nullptr) Environment::Of(info.Env())->ResignControl(binding->instance.get());
  return info.Env().Undefined();
}

// takeRequest(heap): {kind, reason, byTrigger} or null
Napi::Value TakeRequest(Info info, HeapInstance& instance) {
  HeapInstance::Request request;
  if (!instance.TakeRequest(&request)) return info.Env().Null();
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("kind", request.kind);
  answer.Set("reason", request.reason);
  answer.Set("byTrigger", request.by_trigger);
  return answer;
}

// isRequested(heap)
Napi::Value IsRequested(Info info, HeapInstance& instance) { return Boolean(info, instance.IsRequested()); }

// tellMutators(heap)
Napi::Value TellMutators(Info info, HeapInstance& instance) {
  instance.heap.TellMemoryMayBeFree();
  return info.Env().Undefined();
}

// endCollection(heap, reason, kind)
Napi::Value EndCollection(Info info, HeapInstance& instance) {
  Add(instance.heap.statistics.collections_by_reason[Uint32At(info, 1) % Statistics::kMaxReasons], 1);
  instance.NoteCollectionEnds(Uint32At(info, 2));
  instance.collector->EndCollection();
  return info.Env().Undefined();
}

template <bool (Collector::*kStep)(uint64_t)>
Napi::Value StepUntil(Info info, HeapInstance& instance) {
  return Boolean(info, (instance.collector.get()->*kStep)(DeadlineAt(info, 1)));
}

template <bool (Collector::*kPause)(uint64_t)>
Napi::Value PauseWithin(Info info, HeapInstance& instance) {
  return Boolean(info, (instance.collector.get()->*kPause)(LimitAt(info, 1)));
}

// markPause(heap, sliceMs, mostWrittenPages): a MarkPauseOutcome
Napi::Value MarkPause(Info info, HeapInstance& instance) {
  return Napi::Number::New(info.Env(), static_cast<double>(instance.collector->MarkPause(LimitAt(info, 1), Uint32At(info, 2))));
}

// writtenPages(heap): of the last marking round
Napi::Value WrittenPages(Info info, HeapInstance& instance) {
  return Number(info, static_cast<double>(instance.collector->marker().written_pages()));
}

// weakPending(heap): whether the last marking left something for processWeak
Napi::Value WeakPending(Info info, HeapInstance& instance) { return Boolean(info, instance.collector->weak_pending()); }

// sweep(heap): regions freed
Napi::Value Sweep(Info info, HeapInstance& instance) { return Number(info, instance.collector->Sweep()); }

// readRegions(heap, states: Uint8Array, kinds: Uint8Array, usedPages: Uint16Array, filePages: Uint16Array, liveWords: Uint32Array,
//             markedPages: Uint16Array)
Napi::Value ReadRegions(Info info, HeapInstance& instance) {
  Heap& heap = instance.heap;
  uint8_t* const states = info[1].As<Napi::Uint8Array>().Data();
  uint8_t* const kinds = info[2].As<Napi::Uint8Array>().Data();
  uint16_t* const used = info[3].As<Napi::Uint16Array>().Data();
  uint16_t* const in_file = info[4].As<Napi::Uint16Array>().Data();
  const LockGuard guard(heap.regions.lock());
  const uint32_t count = heap.regions.count();
  for (RegionIndex region{0}; region < count; ++region) {
    const RegionUse use = heap.regions.use(region);
    states[region] = static_cast<uint8_t>(use.state);
    kinds[region] = static_cast<uint8_t>(use.kind);
    used[region] = use.used_pages;
    in_file[region] = static_cast<uint16_t>(heap.regions.FilePages(region));
  }
  memcpy(info[5].As<Napi::Uint32Array>().Data(), heap.tables.live_word_counts.data(), count * sizeof(uint32_t));
  memcpy(info[6].As<Napi::Uint16Array>().Data(), heap.tables.marked_pages.data(), count * sizeof(uint16_t));
  return Number(info, count);
}

// setTrigger(heap, triggerRegions, alarmRegions)
Napi::Value SetTrigger(Info info, HeapInstance& instance) {
  instance.SetTrigger(Uint32At(info, 1), Uint32At(info, 2));
  return info.Env().Undefined();
}

// setLimit(heap, regions)
Napi::Value SetLimit(Info info, HeapInstance& instance) {
  instance.heap.regions.SetLimit(Uint32At(info, 1));
  return info.Env().Undefined();
}

// pulse(heap, figures: Float64Array): for the indices see PULSE in src/binding/collector-calls.ts.  No system call, no new object.
Napi::Value Pulse(Info info, HeapInstance& instance) {
  double* const figures = info[1].As<Napi::Float64Array>().Data();
  const Regions& regions = instance.heap.regions;
  figures[0] = regions.charged();
  figures[1] = static_cast<double>(regions.open_pages());
  figures[2] = static_cast<double>(regions.handed_out_pages());
  return info.Env().Undefined();
}

std::vector<RegionIndex> RegionsAt(Info info, size_t index) {
  const Napi::Uint32Array list = info[index].As<Napi::Uint32Array>();
  return {list.Data(), list.Data() + list.ElementLength()};
}

Napi::Uint32Array ListOf(Napi::Env env, const std::vector<RegionIndex>& regions) {
  Napi::Uint32Array list = Napi::Uint32Array::New(env, regions.size());
  if (!list.IsEmpty()) std::copy(regions.begin(), regions.end(), list.Data());
  return list;
}

// makePlan(heap, sources: Uint32Array, targets, later: Uint32Array): {sources: Uint32Array, targets: Uint32Array} of the plan, empty if
// nothing will move
Napi::Value MakePlan(Info info, HeapInstance& instance) {
  (void)instance.collector->MakePlan(RegionsAt(info, 1), Uint32At(info, 2), RegionsAt(info, 3));
  const Plan& plan = instance.collector->plan();
  Napi::Object answer = Napi::Object::New(info.Env());
  const Napi::Uint32Array sources = ListOf(info.Env(), plan.sources());
  const Napi::Uint32Array targets = ListOf(info.Env(), plan.targets());
  // A thread that is being terminated gets no new objects.
  if (answer.IsEmpty() || sources.IsEmpty() || targets.IsEmpty()) return Napi::Value();
  answer.Set("sources", sources);
  answer.Set("targets", targets);
  return answer;
}

// reclaim(heap, keepBytes, tails, sliceMs)
Napi::Value Reclaim(Info info, HeapInstance& instance) {
  return Boolean(info, instance.collector->Reclaim(static_cast<uint64_t>(NumberAt(info, 1)), info[2].As<Napi::Boolean>().Value(),
                                                   DeadlineAt(info, 3)));
}

// verifyPause(heap, sliceMs): objects, or -1 if the world has not stopped yet
Napi::Value VerifyPause(Info info, HeapInstance& instance) {
  uint64_t objects = 0;
  const bool verified = instance.collector->VerifyPause(LimitAt(info, 1), &objects);
  return Number(info, verified ? static_cast<double>(objects) : -1);
}

// serve(heap, worker, sliceMs): helps with the jobs that the control thread posts
Napi::Value Serve(Info info, HeapInstance& instance) {
  const uint32_t worker = Uint32At(info, 1);
  instance.heap.statistics.collector_cpu[worker % Gang::kControlWorker].Adopt();
  instance.collector->gang().Serve(worker, LimitAt(info, 2));
  return info.Env().Undefined();
}

Napi::Value Report(Info info, HeapInstance& instance) {
  const CycleReport& report = instance.collector->report();
  Napi::Object answer = Napi::Object::New(info.Env());
  const auto set = [&answer](const char* name, uint64_t value) { answer.Set(name, static_cast<double>(value)); };
  set("number", report.number);
  set("markedObjects", report.marked_objects);
  set("liveBytes", report.live_bytes);
  set("markStartPauseNs", report.mark_start_pause_ns);
  set("markStartSafepointNs", report.mark_start_safepoint_ns);
  set("markPauseNs", report.mark_pause_ns);
  set("markSafepointNs", report.mark_safepoint_ns);
  set("markingNs", report.marking_ns);
  set("markingRounds", report.marking_rounds);
  set("writtenPages", report.written_pages);
  set("remarkPages", report.remark_pages);
  set("finalizable", report.weak.finalizable);
  set("waves", report.waves);
  set("flipPauseNs", report.flip_pause_ns);
  set("flipSafepointNs", report.flip_safepoint_ns);
  set("allFlipPausesNs", report.all_flip_pauses_ns);
  set("longestFlipPauseNs", report.longest_flip_pause_ns);
  set("roots", report.roots);
  set("sweptRegions", report.swept_regions);
  set("sourceRegions", report.sources);
  set("targetRegions", report.targets);
  set("copiedBytes", report.copied_bytes);
  set("pagesByWorkers", report.pages_by_workers);
  set("pagesByMutators", report.pages_by_mutators);
  set("compactionNs", report.compaction_ns);
  if (report.flip_refused) answer.Set("flipRefused", Refusal(info.Env(), report.flip_error));
  return answer;
}

Napi::Value CurrentPhase(Info info, HeapInstance& instance) { return Napi::String::New(info.Env(), NameOf(instance.collector->phase())); }

}  // namespace

void ExportCollector(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"becomeControl", BecomeControl},
      {"resignControl", ResignControl},
      {"takeRequest", OnHeap<TakeRequest>},
      {"isRequested", OnHeap<IsRequested>},
      {"tellMutators", OnHeap<TellMutators>},
      {"endCollection", OnHeap<EndCollection>},
      {"recover", OnHeap<StepUntil<&Collector::Recover>>},
      {"prepareMarking", OnHeap<StepUntil<&Collector::PrepareMarking>>},
      {"rootsPause", OnHeap<PauseWithin<&Collector::RootsPause>>},
      {"trace", OnHeap<StepUntil<&Collector::Trace>>},
      {"writtenPages", OnHeap<WrittenPages>},
      {"markPause", OnHeap<MarkPause>},
      {"weakPending", OnHeap<WeakPending>},
      {"processWeak", OnHeap<StepUntil<&Collector::ProcessWeak>>},
      {"releaseMarking", OnHeap<StepUntil<&Collector::ReleaseMarking>>},
      {"sweep", OnHeap<Sweep>},
      {"readRegions", OnHeap<ReadRegions>},
      {"setTrigger", OnHeap<SetTrigger>},
      {"setLimit", OnHeap<SetLimit>},
      {"pulse", OnHeap<Pulse>},
      {"makePlan", OnHeap<MakePlan>},
      {"flipPause", OnHeap<PauseWithin<&Collector::FlipPause>>},
      {"compact", OnHeap<StepUntil<&Collector::Compact>>},
      {"finish", OnHeap<StepUntil<&Collector::Finish>>},
      {"finishWave", OnHeap<StepUntil<&Collector::FinishWave>>},
      {"reclaim", OnHeap<Reclaim>},
      {"verifyPause", OnHeap<VerifyPause>},
      {"serve", OnHeap<Serve>},
      {"report", OnHeap<Report>},
      {"phase", OnHeap<CurrentPhase>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
