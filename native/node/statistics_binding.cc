// Statistics: figures of one heap, as an object of plain numbers (HeapStatistics in src/gc/statistics.ts).
#include "node/arguments.h"

namespace faultline {

namespace {

Napi::Object Summary(Napi::Env env, const Histogram& histogram) {
  const auto microseconds = [&](uint64_t ns) { return Napi::Number::New(env, static_cast<double>(ns) / 1e3); };
  Napi::Object summary = Napi::Object::New(env);
  summary.Set("count", static_cast<double>(histogram.count()));
  summary.Set("p50Us", microseconds(histogram.Quantile(0.5)));
  summary.Set("p99Us", microseconds(histogram.Quantile(0.99)));
  summary.Set("p999Us", microseconds(histogram.Quantile(0.999)));
  summary.Set("maxUs", microseconds(histogram.max()));
  summary.Set("totalUs", microseconds(histogram.total()));
  return summary;
}

Napi::Value ReadStatistics(Info info, HeapInstance& instance) {
  Napi::Env env = info.Env();
  Heap& heap = instance.heap;
  Statistics& statistics = heap.statistics;
  heap.NotePeak();
  const auto count = [](const Counter& counter) { return static_cast<double>(Read(counter)); };

  Napi::Object answer = Napi::Object::New(env);
  answer.Set("capacityBytes", static_cast<double>(heap.regions.capacity()) * kRegionBytes);
  answer.Set("limitBytes", static_cast<double>(heap.regions.limit()) * kRegionBytes);
  answer.Set("allocatedBytes", static_cast<double>(heap.regions.handed_out_pages()) * kPageBytes);
  answer.Set("usedBytes", static_cast<double>(heap.regions.used_pages_total()) * kPageBytes);
  answer.Set("freeRegions", heap.regions.free_count());
  answer.Set("chargedRegions", heap.regions.charged());
  answer.Set("fileBytes", static_cast<double>(heap.file.AllocatedBytes()));
  answer.Set("peakFileBytes", count(statistics.peak_file_bytes));
  answer.Set("metadataBytes", static_cast<double>(heap.tables.bytes()));
  answer.Set("reservedBytes", static_cast<double>(heap.bytes()));
  answer.Set("mutators", heap.handshake.count());

  Napi::Object pins = Napi::Object::New(env);
  pins.Set("count", static_cast<double>(heap.pins.count()));
  pins.Set("bytes", static_cast<double>(heap.pins.bytes()));
  answer.Set("pins", pins);

  Napi::Object cycles = Napi::Object::New(env);
  cycles.Set("count", count(statistics.cycles));
  cycles.Set("compacting", count(statistics.compacting_cycles));
  cycles.Set("evacuatedBytes", count(statistics.evacuated_bytes));
  cycles.Set("copiedBytes", count(statistics.copied_bytes));
  cycles.Set("inPlacePages", count(statistics.in_place_pages));
  cycles.Set("refusedFlips", count(statistics.refused_flips));
  answer.Set("cycles", cycles);

  Napi::Object marking = Napi::Object::New(env);
  marking.Set("objects", count(statistics.marked_objects));
  marking.Set("totalUs", count(statistics.marking_ns) / 1e3);
  marking.Set("rounds", count(statistics.marking_rounds));
  marking.Set("writtenPages", count(statistics.written_pages));
  marking.Set("loggedReferences", count(statistics.logged_references));
  marking.Set("refusedScans", count(statistics.refused_scans));
  answer.Set("marking", marking);

  Napi::Object weak = Napi::Object::New(env);
  weak.Set("clearedReferences", count(statistics.cleared_slots));
  weak.Set("clearedEntries", count(statistics.cleared_ephemerons));
  weak.Set("finalizersWaiting", static_cast<double>(heap.finalizers.waiting()));
  weak.Set("finalizersReady", static_cast<double>(heap.finalizers.ready()));
  weak.Set("finalizable", count(statistics.finalizable));
  answer.Set("weak", weak);

  Napi::Array collections = Napi::Array::New(env, Statistics::kMaxReasons);
  for (uint32_t reason = 0; reason < Statistics::kMaxReasons; ++reason) {
    collections[reason] = count(statistics.collections_by_reason[reason]);
  }
  answer.Set("collectionsByReason", collections);

  Napi::Object pages = Napi::Object::New(env);
  pages.Set("builtByWorkers", count(statistics.pages_by_workers));
  pages.Set("builtByMutators", count(statistics.pages_by_mutators));
  pages.Set("mappedByContinue", count(statistics.pages_continued));
  pages.Set("continueCalls", count(statistics.continue_calls));
  pages.Set("mappedByCopy", count(statistics.pages_copied));
  pages.Set("copyCalls", count(statistics.copy_calls));
  pages.Set("settledLoads", count(statistics.settled_loads));
  answer.Set("pages", pages);

  Napi::Object pauses = Napi::Object::New(env);
  pauses.Set("flip", Summary(env, statistics.flip_pause));
  pauses.Set("settled", Summary(env, statistics.settled_pause));
  pauses.Set("mark", Summary(env, statistics.mark_pause));
  pauses.Set("markStart", Summary(env, statistics.mark_start_pause));
  pauses.Set("remark", Summary(env, statistics.remark_pause));
  pauses.Set("timeToSafepoint", Summary(env, statistics.time_to_safepoint));
  answer.Set("pauses", pauses);

  Napi::Object cpu = Napi::Object::New(env);
  cpu.Set("collectorUs", static_cast<double>(statistics.CollectorCpuNs()) / 1e3);
  cpu.Set("faultThreadUs", static_cast<double>(statistics.fault_thread_cpu.Ns()) / 1e3);
  answer.Set("cpu", cpu);

  answer.Set("faults", Summary(env, statistics.fault_service));
  answer.Set("pageWaits", Summary(env, statistics.page_waits));
  answer.Set("stalls", Summary(env, statistics.stalls));
  return answer;
}

}  // namespace

void ExportStatistics(Napi::Env env, Napi::Object exports) {
  Export(env, exports, {{"statistics", OnHeap<ReadStatistics>}});
}

}  // namespace faultline
