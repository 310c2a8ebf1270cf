#include "os/threads.h"

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace faultline {

std::vector<int> ThreadsOfProcess() {
  std::vector<int> threads;
  DIR* const folder = opendir("/proc/self/task");
  if (folder == nullptr) return threads;
  while (const dirent* const entry = readdir(folder)) {
    const int thread = atoi(entry->d_name);
    if (thread > 0) threads.push_back(thread);
  }
  closedir(folder);
  std::ranges::sort(threads);
  return threads;
}

bool ThreadLives(int thread) {
  // Signal 0 only checks whether there is such a thread.
  return syscall(SYS_tgkill, getpid(), thread, 0) == 0 || errno != ESRCH;
}

uint64_t TimesRun(uint32_t thread) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/task/%u/schedstat", thread);
  FILE* const file = fopen(path, "re");
  if (file == nullptr) return 0;
  unsigned long long times = 0;
  // Time on a CPU, time waiting for one, times.
  if (fscanf(file, "%*u %*u %llu", &times) != 1) times = 0;
  fclose(file);
  return times;
}

uint32_t ThisThread() { return static_cast<uint32_t>(syscall(SYS_gettid)); }

}  // namespace faultline
