// The malloc that the dynamic linker gives the program: glibc's, or a preloaded one.
#include <dlfcn.h>
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

// A library that could not be preloaded is only warned of: what is really there must say so itself.
std::string RuntimeName() {
  const auto symbol = [](const char* name) { return dlsym(RTLD_DEFAULT, name); };
  if (const auto version = reinterpret_cast<int (*)()>(symbol("mi_version"))) return "mimalloc " + std::to_string(version());
  if (const auto control = reinterpret_cast<int (*)(const char*, void*, size_t*, void*, size_t)>(symbol("mallctl"))) {
    const char* version = "";
    size_t bytes = sizeof(version);
    control("version", &version, &bytes, nullptr, 0);
    return std::string("jemalloc ") + version;
  }
  return std::string("glibc ") + gnu_get_libc_version();
}

}  // namespace faultline::peers
