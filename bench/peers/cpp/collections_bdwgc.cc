// What bdwgc tells of its collections.  Its callbacks run on the thread that collects, with the allocation lock held: they only store
// into tables that are there already.
//
// A pause is from just before the world is stopped until it runs again.  The thread that ran out of memory does the collection, with
// the marker threads of the library at its side: it is held up from START to END, which is longer, and its CPU time between them is
// the collector's.
#include <pthread.h>

#include <cstdio>
#include <ctime>

#include "clock.h"
#include "collections.h"
#include "memory.h"

namespace faultline::peers {
namespace {

constexpr uint32_t kMost = 1 << 17;

struct Sample {
  int64_t time_ns;
  int64_t value;
};

struct Table {
  Sample rows[kMost];
  uint32_t used = 0;
  void Add(int64_t time_ns, int64_t value) {
    if (used < kMost) rows[used++] = {time_ns, value};
  }
};

Table pauses;  // Length.
Table heap;    // Committed bytes.
Table live;    // Bytes of blocks in which something was found alive.
// By row of `collecting`: from START to END, and on which thread.
Table collecting;
char collecting_threads[kMost][16];
uint64_t collections = 0;
int64_t collector_cpu_ns = 0;
int64_t stopped_ns = 0;
int64_t started_ns = 0;
int64_t started_cpu_ns = 0;

int64_t ThreadCpuNs() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Without the lock: the callbacks run with it held.
GC_prof_stats_s Statistics() {
  GC_prof_stats_s statistics;
  GC_get_prof_stats_unsafe(&statistics, sizeof(statistics));
  return statistics;
}

int64_t CommittedBytes(const GC_prof_stats_s& statistics) {
  return static_cast<int64_t>(statistics.heapsize_full - statistics.unmapped_bytes);
}

// When a collection has ended, every block without a live object is free; the others are swept later, when they are allocated from.
void NoteMemory() {
  const GC_prof_stats_s statistics = Statistics();
  const int64_t now = NowNs();
  heap.Add(now, CommittedBytes(statistics));
  live.Add(now, static_cast<int64_t>(statistics.heapsize_full - statistics.free_bytes_full));
}

void GC_CALLBACK OnEvent(GC_EventType event) {
  switch (event) {
    case GC_EVENT_START:
      started_ns = NowNs();
      started_cpu_ns = ThreadCpuNs();
      break;
    case GC_EVENT_PRE_STOP_WORLD:
      stopped_ns = NowNs();
      break;
    case GC_EVENT_POST_START_WORLD:
      pauses.Add(stopped_ns, NowNs() - stopped_ns);
      break;
    case GC_EVENT_END:
      ++collections;
      collector_cpu_ns += ThreadCpuNs() - started_cpu_ns;
      NoteMemory();
      if (collecting.used < kMost) pthread_getname_np(pthread_self(), collecting_threads[collecting.used], sizeof(*collecting_threads));
      collecting.Add(started_ns, NowNs() - started_ns);
      break;
    default:
      break;
  }
}

[[noreturn]] void* GC_CALLBACK OnOutOfMemory(size_t bytes) {
  std::fprintf(stderr, "out of memory: bdwgc has no room for %zu bytes\n", bytes);
  std::_Exit(3);
}

std::string Json(const char* name, const Table& table, const char (*threads)[16] = nullptr) {
  std::string text = std::string("\"") + name + "\":[";
  for (uint32_t i = 0; i < table.used; ++i) {
    text += (i == 0 ? "[" : ",[") + std::to_string(table.rows[i].time_ns) + "," + std::to_string(table.rows[i].value);
    text += threads == nullptr ? "]" : std::string(",\"") + threads[i] + "\"]";
  }
  return text + "],";
}

}  // namespace

void ObserveCollections() {
  GC_INIT();
  GC_set_oom_fn(OnOutOfMemory);
  GC_set_on_collection_event(OnEvent);
}

void ForgetCollections() {
  pauses.used = 0;
  heap.used = 0;
  live.used = 0;
  collecting.used = 0;
  collections = 0;
  collector_cpu_ns = 0;
  SampleHeap();
}

void SampleHeap() { heap.Add(NowNs(), CommittedBytes(Statistics())); }

std::string CollectionsJson() {
  return Json("pauses", pauses) + Json("collecting", collecting, collecting_threads) + Json("heap", heap) + Json("live", live) +
         "\"collectorCpuNs\":" + std::to_string(collector_cpu_ns) + ",\"collections\":" + std::to_string(collections) + ",";
}

std::string RuntimeName() {
  const unsigned version = GC_get_version();
  return "bdwgc " + std::to_string(version >> 16) + "." + std::to_string(version >> 8 & 255) + "." + std::to_string(version & 255);
}

}  // namespace faultline::peers
