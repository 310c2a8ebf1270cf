#include "requests.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace faultline::peers {

Requests::Requests(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat about;
  if (file < 0 || fstat(file, &about) != 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
  const auto bytes = static_cast<size_t>(about.st_size);
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  close(file);
  records_ = static_cast<double*>(mapped);
  capacity_ = bytes / (2 * sizeof(double));
  std::memset(mapped, 0, bytes);
}

}  // namespace faultline::peers
