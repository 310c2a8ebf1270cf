#include "os/userfaultfd_calls.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef SYS_userfaultfd
#define SYS_userfaultfd 323
#endif

namespace faultline {

namespace {

Result<int> OpenDevice(int flags) {
  const int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
  if (device < 0) return SysError{errno, "open(/dev/userfaultfd)"};
  const int fd = ioctl(device, abi::kIocNew, flags);
  const SysError error{errno, "ioctl(USERFAULTFD_IOC_NEW)"};
  close(device);
  if (fd < 0) return error;
  return fd;
}

Result<int> OpenSystemCall(int flags, const char* name) {
  const int fd = static_cast<int>(syscall(SYS_userfaultfd, flags));
  if (fd < 0) return SysError{errno, name};
  return fd;
}

abi::Range RangeOf(uintptr_t start, size_t bytes) { return {start, bytes}; }

// A refused call leaves a negative number in `done`, or from an older kernel what was there before.
FillAnswer AnswerOf(int answer, int64_t done) {
  const int error = answer == 0 ? 0 : errno;
  return {done > 0 ? static_cast<size_t>(done) : 0, error};
}

FillAnswer CallForRange(int fd, unsigned long call, const FillRequest& fill) {
  abi::RangeFill request = {RangeOf(fill.to, fill.bytes), fill.mode, 0};
  const int answer = ioctl(fd, call, &request);
  return AnswerOf(answer, request.done);
}

FillAnswer CallWriteProtect(int fd, const FillRequest& fill) {
  abi::WriteProtect request = {RangeOf(fill.to, fill.bytes), fill.mode};
  const int answer = ioctl(fd, abi::kIocWriteProtect, &request);
  return AnswerOf(answer, answer == 0 ? static_cast<int64_t>(fill.bytes) : 0);
}

FillAnswer CallFromRange(int fd, unsigned long call, const FillRequest& fill) {
  abi::Fill request = {fill.to, fill.from, fill.bytes, fill.mode, 0};
  const int answer = ioctl(fd, call, &request);
  return AnswerOf(answer, request.done);
}

}  // namespace

Result<int> OpenUserfaultfd(UserfaultfdOpening by, MessageReads reads) {
  const int flags = O_CLOEXEC | (reads == MessageReads::kNonBlocking ? O_NONBLOCK : 0);
  switch (by) {
    case UserfaultfdOpening::kDevice:
      return OpenDevice(flags);
    case UserfaultfdOpening::kSystemCall:
      return OpenSystemCall(flags, "userfaultfd");
    case UserfaultfdOpening::kSystemCallUserModeOnly:
      return OpenSystemCall(flags | abi::kUserModeOnly, "userfaultfd(USER_MODE_ONLY)");
    case UserfaultfdOpening::kNone:
      break;
  }
  return SysError{EINVAL, "userfaultfd"};
}

Result<UserfaultfdOffer> ShakeHands(int fd, uint64_t api, uint64_t features) {
  abi::Api request = {};
  request.api = api;
  request.features = features;
  if (ioctl(fd, abi::kIocApi, &request) != 0) return SysError{errno, "ioctl(UFFDIO_API)"};
  return UserfaultfdOffer{request.features, request.ioctls};
}

Result<uint64_t> RegisterRange(int fd, uintptr_t start, size_t bytes, uint64_t modes) {
  abi::Register request = {};
  request.range = RangeOf(start, bytes);
  request.mode = modes;
  if (ioctl(fd, abi::kIocRegister, &request) != 0) return SysError{errno, "ioctl(UFFDIO_REGISTER)"};
  return uint64_t{request.ioctls};
}

Status UnregisterRange(int fd, uintptr_t start, size_t bytes) {
  abi::Range range = RangeOf(start, bytes);
  if (ioctl(fd, abi::kIocUnregister, &range) != 0) return SysError{errno, "ioctl(UFFDIO_UNREGISTER)"};
  return {};
}

Status WakeRange(int fd, uintptr_t start, size_t bytes) {
  abi::Range range = RangeOf(start, bytes);
  if (ioctl(fd, abi::kIocWake, &range) != 0) return SysError{errno, "ioctl(UFFDIO_WAKE)"};
  return {};
}

FillAnswer CallFill(int fd, const FillRequest& request) {
  switch (request.call) {
    case FillCall::kCopy:
      return CallFromRange(fd, abi::kIocCopy, request);
    case FillCall::kMove:
      return CallFromRange(fd, abi::kIocMove, request);
    case FillCall::kZeroPage:
      return CallForRange(fd, abi::kIocZeroPage, request);
    case FillCall::kPoison:
      return CallForRange(fd, abi::kIocPoison, request);
    case FillCall::kContinue:
      return CallForRange(fd, abi::kIocContinue, request);
    case FillCall::kWriteProtect:
      return CallWriteProtect(fd, request);
  }
  return {0, EINVAL};
}

const char* NameOf(FillCall call) {
  constexpr const char* kNames[] = {"ioctl(UFFDIO_COPY)", "ioctl(UFFDIO_ZEROPAGE)", "ioctl(UFFDIO_CONTINUE)",
                                    "ioctl(UFFDIO_MOVE)", "ioctl(UFFDIO_POISON)",   "ioctl(UFFDIO_WRITEPROTECT)"};
  return kNames[static_cast<uint32_t>(call)];
}

Result<size_t> ReadUserfaultMessages(int fd, abi::Message* messages, size_t capacity) {
  const ssize_t got = read(fd, messages, capacity * sizeof(abi::Message));
  if (got < 0) return SysError{errno, "read(userfaultfd)"};
  return static_cast<size_t>(got) / sizeof(abi::Message);
}

Result<WaitingThreads> ReadWaitingThreads(int fd) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return SysError{errno, "open(/proc/self/fdinfo)"};
  char text[1024];
  const ssize_t got = read(file, text, sizeof(text) - 1);
  const SysError error{errno, "read(/proc/self/fdinfo)"};
  close(file);
  if (got < 0) return error;
  text[got] = '\0';
  WaitingThreads waiting;
  const auto number = [&text](const char* name) -> uint64_t {
    const char* const at = strstr(text, name);
    return at == nullptr ? 0 : strtoull(at + strlen(name), nullptr, 10);
  };
  waiting.unread = number("pending:");
  waiting.all = number("total:");
  return waiting;
}

}  // namespace faultline
