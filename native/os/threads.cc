#include "os/threads.h"

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
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

uint32_t ThisThread() { return static_cast<uint32_t>(syscall(SYS_gettid)); }

}  // namespace faultline
