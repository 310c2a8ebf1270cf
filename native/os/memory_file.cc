#include "os/memory_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/memory_objects.h"

namespace faultline {

Status MemoryFile::Create(size_t bytes) {
  const Result<int> created = CreateMemfd("faultline-heap", bytes, 0);
  if (!created.ok()) return created.error();
  fd_ = created.value();
  bytes_ = bytes;
  return {};
}

void MemoryFile::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  bytes_ = 0;
}

Status MemoryFile::Allocate(size_t offset, size_t bytes) const {
  if (fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) return SysError{errno, "fallocate"};
  return {};
}

Status MemoryFile::PunchHole(size_t offset, size_t bytes) const { return faultline::PunchHole(fd_, offset, bytes); }

size_t MemoryFile::AllocatedBytes() const {
  struct stat info;
  if (fd_ < 0 || fstat(fd_, &info) != 0) return 0;
  return static_cast<size_t>(info.st_blocks) * 512;
}

}  // namespace faultline
