// Statistics: figures of one heap, as an object of plain numbers (HeapStatistics in src/gc/statistics.ts).
#include <initializer_list>
#include <utility>

#include "node/arguments.h"

namespace faultline {

namespace {

Napi::Object Figures(Napi::Env env, std::initializer_list<std::pair<const char*, double>> figures) {
  Napi::Object answer = Napi::Object::New(env);
  for (const auto& [name, value] : figures) answer.Set(name, value);
  return answer;
}

// clang-format off: a list of lists, each as wide as its longest row.
Napi::Object Summary(Napi::Env env, const Histogram& histogram) {
  const auto microseconds = [](uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  return Figures(env, {
    {"count", static_cast<double>(histogram.count())},
    {"p50Us", microseconds(histogram.Quantile(0.5))},
    {"p99Us", microseconds(histogram.Quantile(0.99))},
    {"p999Us", microseconds(histogram.Quantile(0.999))},
    {"maxUs", microseconds(histogram.max())},
    {"totalUs", microseconds(histogram.total())},
  });
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

  answer.Set("pins", Figures(env, {
    {"count", static_cast<double>(heap.pins.count())},
    {"bytes", static_cast<double>(heap.pins.bytes())},
  }));

  answer.Set("cycles", Figures(env, {
    {"count", count(statistics.cycles)},
    {"compacting", count(statistics.compacting_cycles)},
    {"evacuatedBytes", count(statistics.evacuated_bytes)},
    {"copiedBytes", count(statistics.copied_bytes)},
    {"inPlacePages", count(statistics.in_place_pages)},
    {"refusedFlips", count(statistics.refused_flips)},
  }));

  answer.Set("marking", Figures(env, {
    {"objects", count(statistics.marked_objects)},
    {"totalUs", count(statistics.marking_ns) / 1e3},
    {"rounds", count(statistics.marking_rounds)},
    {"writtenPages", count(statistics.written_pages)},
    {"loggedReferences", count(statistics.logged_references)},
    {"refusedScans", count(statistics.refused_scans)},
  }));

  answer.Set("weak", Figures(env, {
    {"clearedReferences", count(statistics.cleared_slots)},
    {"clearedEntries", count(statistics.cleared_ephemerons)},
    {"finalizersWaiting", static_cast<double>(heap.finalizers.waiting())},
    {"finalizersReady", static_cast<double>(heap.finalizers.ready())},
    {"finalizable", count(statistics.finalizable)},
  }));

  Napi::Array collections = Napi::Array::New(env, Statistics::kMaxReasons);
  for (uint32_t reason = 0; reason < Statistics::kMaxReasons; ++reason) {
    collections[reason] = count(statistics.collections_by_reason[reason]);
  }
  answer.Set("collectionsByReason", collections);

  answer.Set("pages", Figures(env, {
    {"builtByWorkers", count(statistics.pages_by_workers)},
    {"builtByMutators", count(statistics.pages_by_mutators)},
    {"shownUnchanged", count(statistics.unchanged_pages)},
    {"takenAway", count(statistics.taken_pages)},
    {"rangesTakenAway", count(statistics.taken_ranges)},
    {"mappedByContinue", count(statistics.pages_continued)},
    {"continueCalls", count(statistics.continue_calls)},
    {"mappedByCopy", count(statistics.pages_copied)},
    {"copyCalls", count(statistics.copy_calls)},
    {"settledLoads", count(statistics.settled_loads)},
  }));

  Napi::Object pauses = Napi::Object::New(env);
  pauses.Set("flip", Summary(env, statistics.flip_pause));
  pauses.Set("settled", Summary(env, statistics.settled_pause));
  pauses.Set("mark", Summary(env, statistics.mark_pause));
  pauses.Set("markStart", Summary(env, statistics.mark_start_pause));
  pauses.Set("remark", Summary(env, statistics.remark_pause));
  pauses.Set("timeToSafepoint", Summary(env, statistics.time_to_safepoint));
  answer.Set("pauses", pauses);

  answer.Set("cpu", Figures(env, {
    {"collectorUs", static_cast<double>(statistics.CollectorCpuNs()) / 1e3},
    {"faultThreadUs", static_cast<double>(statistics.fault_thread_cpu.Ns()) / 1e3},
  }));

  answer.Set("faults", Summary(env, statistics.fault_service));
  answer.Set("pageWaits", Summary(env, statistics.page_waits));
  answer.Set("stalls", Summary(env, statistics.stalls));
  return answer;
}
// clang-format on

}  // namespace

void ExportStatistics(Napi::Env env, Napi::Object exports) { Export(env, exports, {{"statistics", OnHeap<ReadStatistics>}}); }

}  // namespace faultline
