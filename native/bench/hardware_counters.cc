#include "bench/hardware_counters.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace faultline::bench {

namespace {

struct Counter {
  const char* name;
  uint32_t type;
  uint64_t config;
};

constexpr uint64_t CacheMisses(uint64_t cache) {
  return cache | (PERF_COUNT_HW_CACHE_OP_READ << 8) | (PERF_COUNT_HW_CACHE_RESULT_MISS << 16);
}

// There is no name for page walks that all CPUs share: a miss of the last TLB is one.
constexpr Counter kTable[kCounters] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"dtlbLoadMisses", PERF_TYPE_HW_CACHE, CacheMisses(PERF_COUNT_HW_CACHE_DTLB)},
    {"lastLevelLoadMisses", PERF_TYPE_HW_CACHE, CacheMisses(PERF_COUNT_HW_CACHE_LL)},
    {"minorFaults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {"majorFaults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    {"contextSwitches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
};

int descriptors[kCounters] = {-1, -1, -1, -1, -1, -1, -1, -1};

int Open(perf_event_attr& attributes) {
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

const char* ReasonOf(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "not permitted: /proc/sys/kernel/perf_event_paranoid must be 2 or less, or the process needs CAP_PERFMON";
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
      return "this machine has no such counter (virtual machines often have none)";
    case ENOSYS:
      return "this kernel has no perf_event_open";
    default:
      return std::strerror(error);
  }
}

}  // namespace

const char* CounterName(uint32_t counter) { return kTable[counter].name; }

const char* OpenCounter(uint32_t counter) {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = kTable[counter].type;
  attributes.config = kTable[counter].config;
  attributes.inherit = 1;
  attributes.exclude_hv = 1;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  int descriptor = Open(attributes);
  if (descriptor < 0 && errno == EACCES) {
    // Where only a program's own part may be counted.
    attributes.exclude_kernel = 1;
    descriptor = Open(attributes);
  }
  if (descriptor < 0) return ReasonOf(errno);
  descriptors[counter] = descriptor;
  return "";
}

bool ReadCounter(uint32_t counter, double* count) {
  uint64_t values[3];  // Count, time enabled, time running.
  if (descriptors[counter] < 0 || read(descriptors[counter], values, sizeof values) != sizeof values) return false;
  *count = values[2] == 0 ? 0 : static_cast<double>(values[0]) * static_cast<double>(values[1]) / static_cast<double>(values[2]);
  return true;
}

}  // namespace faultline::bench
