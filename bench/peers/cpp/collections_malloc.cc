#include <gnu/libc-version.h>

#include <cstdio>
#include <cstdlib>

#include "collections.h"
#include "memory.h"

namespace faultline::peers {

void ReportOutOfMemory() {
  std::fputs("out of memory: malloc returned null\n", stderr);
  std::_Exit(3);
}

void ObserveCollections() {}
void ForgetCollections() {}
void SampleHeap() {}
std::string CollectionsJson() { return ""; }

std::string RuntimeName() {
  const char* preloaded = std::getenv("LD_PRELOAD");
  return preloaded != nullptr && *preloaded != '\0' ? std::string("malloc of ") + preloaded
                                                     : std::string("malloc of glibc ") + gnu_get_libc_version();
}

}  // namespace faultline::peers
