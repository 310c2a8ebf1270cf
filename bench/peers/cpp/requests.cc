#include "requests.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace faultline::peers {

Requests::Requests(const Parameters& parameters) {
  if (!parameters.Has("requests")) return;
  const int file = open(parameters.Text("requests").c_str(), O_RDWR | O_CLOEXEC);
  struct stat about;
  if (file < 0 || fstat(file, &about) != 0) Parameters::Fail("cannot open " + parameters.Text("requests"));
  const auto bytes = static_cast<size_t>(about.st_size);
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) Parameters::Fail("cannot map " + parameters.Text("requests"));
  close(file);
  records_ = static_cast<double*>(mapped);
  std::memset(mapped, 0, bytes);
}

}  // namespace faultline::peers
