#include "os/memory_objects.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "os/refusals.h"

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif
#ifndef SHM_HUGETLB
#define SHM_HUGETLB 04000
#endif

namespace faultline {

namespace {

// Where memfd_create, shmget and mmap expect the size of huge pages.
constexpr uint32_t kHugeShiftAt = 26;
constexpr int kOnlyUser = 0600;

}  // namespace

Result<int> CreateMemfd(const char* name, size_t bytes, uint32_t huge_shift) {
  if (const int refused = Refused(SystemCall::kMemfdCreate)) return SysError{refused, "memfd_create"};
  const unsigned int huge = huge_shift == 0 ? 0 : MFD_HUGETLB | (huge_shift << kHugeShiftAt);
  const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | huge);
  if (fd < 0) return SysError{errno, "memfd_create"};
  const int refused = Refused(SystemCall::kFtruncate);
  if (refused != 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    const SysError error{refused != 0 ? refused : errno, "ftruncate"};
    close(fd);
    return error;
  }
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    const SysError error{errno, "fcntl(F_ADD_SEALS)"};
    close(fd);
    return error;
  }
  return fd;
}

Status PunchHole(int fd, size_t offset, size_t bytes) {
  if (const int refused = Refused(SystemCall::kPunchHole)) return SysError{refused, "fallocate(PUNCH_HOLE)"};
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) {
    return SysError{errno, "fallocate(PUNCH_HOLE)"};
  }
  return {};
}

Result<int> OpenSegment(int key, size_t bytes, uint32_t huge_shift) {
  const int huge = huge_shift == 0 ? 0 : SHM_HUGETLB | static_cast<int>(huge_shift << kHugeShiftAt);
  const int segment = shmget(key, bytes, IPC_CREAT | kOnlyUser | huge);
  if (segment < 0) return SysError{errno, "shmget"};
  return segment;
}

Status RemoveSegment(int segment) {
  if (shmctl(segment, IPC_RMID, nullptr) != 0) return SysError{errno, "shmctl(IPC_RMID)"};
  return {};
}

}  // namespace faultline
