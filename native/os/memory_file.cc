#include "os/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/refusals.h"

namespace faultline {

Status MemoryFile::Create(size_t bytes) {
  if (const int refused = Refused(SystemCall::kMemfdCreate)) return SysError{refused, "memfd_create"};
  fd_ = memfd_create("faultline-heap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd_ < 0) return SysError{errno, "memfd_create"};
  const int refused = Refused(SystemCall::kFtruncate);
  if (refused != 0 || ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    const SysError error{refused != 0 ? refused : errno, "ftruncate"};
    Close();
    return error;
  }
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    const SysError error{errno, "fcntl(F_ADD_SEALS)"};
    Close();
    return error;
  }
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

Status MemoryFile::PunchHole(size_t offset, size_t bytes) const {
  if (const int refused = Refused(SystemCall::kPunchHole)) return SysError{refused, "fallocate(PUNCH_HOLE)"};
  if (fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) {
    return SysError{errno, "fallocate(PUNCH_HOLE)"};
  }
  return {};
}

size_t MemoryFile::AllocatedBytes() const {
  struct stat info;
  if (fd_ < 0 || fstat(fd_, &info) != 0) return 0;
  return static_cast<size_t>(info.st_blocks) * 512;
}

}  // namespace faultline
