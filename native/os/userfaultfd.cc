#include "os/userfaultfd.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "os/invariant.h"
#include "os/page_size.h"
#include "os/page_touch.h"
#include "os/refusals.h"

namespace faultline {

namespace {

constexpr size_t kMessageBatch = 32;
constexpr uint32_t kMemoryAttempts = 100'000;

// A raw descriptor, before the handshake.
int OpenDescriptor(UserfaultfdProbe* probe) {
  if (const int refused = Refused(SystemCall::kUserfaultfd)) {
    probe->device_error = probe->system_call_error = probe->user_mode_only_error = SysError{refused, "userfaultfd"};
    return -1;
  }
  struct Way {
    UserfaultfdOpening by;
    SysError* error;
  };
  const Way ways[] = {{UserfaultfdOpening::kDevice, &probe->device_error},
                      {UserfaultfdOpening::kSystemCall, &probe->system_call_error},
                      {UserfaultfdOpening::kSystemCallUserModeOnly, &probe->user_mode_only_error}};
  for (const auto& [by, error] : ways) {
    const Result<int> opened = OpenUserfaultfd(by, MessageReads::kBlocking);
    if (opened.ok()) {
      probe->opened_by = by;
      return opened.value();
    }
    *error = opened.error();
  }
  return -1;
}

Status Handshake(int fd, uint64_t features, uint64_t* offered) {
  if (const int refused = Refused(SystemCall::kUserfaultfdApi)) return SysError{refused, "ioctl(UFFDIO_API)"};
  const Result<UserfaultfdOffer> offer = ShakeHands(fd, abi::kApi, features);
  if (!offer.ok()) return offer.error();
  if (offered != nullptr) *offered = offer.value().features;
  return {};
}

uint64_t FeaturesFor(FaultDelivery delivery) {
  switch (delivery) {
    case FaultDelivery::kSignal:
      return abi::kFeatureMinorShmem | abi::kFeatureSigbus;
    case FaultDelivery::kDescriptor:
      return abi::kFeatureMinorShmem | abi::kFeatureThreadId;
    case FaultDelivery::kMark:
      return abi::kFeatureWpAsync;
  }
  return 0;
}

}  // namespace

const char* NameOf(UserfaultfdOpening opened_by) {
  switch (opened_by) {
    case UserfaultfdOpening::kNone:
      return "none";
    case UserfaultfdOpening::kDevice:
      return "/dev/userfaultfd";
    case UserfaultfdOpening::kSystemCall:
      return "userfaultfd()";
    case UserfaultfdOpening::kSystemCallUserModeOnly:
      return "userfaultfd(USER_MODE_ONLY)";
  }
  return "?";
}

Status Userfaultfd::Open(FaultDelivery delivery) {
  delivery_ = delivery;
  UserfaultfdProbe probe;
  fd_ = OpenDescriptor(&probe);
  if (fd_ < 0) return probe.user_mode_only_error;
  opened_by_ = probe.opened_by;
  Status status = Handshake(fd_, FeaturesFor(delivery), nullptr);
  if (!status.ok()) Close();
  return status;
}

void Userfaultfd::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Status Userfaultfd::Register(void* start, size_t bytes) {
  if (const int refused = Refused(SystemCall::kRegister)) return SysError{refused, "ioctl(UFFDIO_REGISTER)"};
  abi::Register request = {};
  request.range = {reinterpret_cast<uintptr_t>(start), bytes};
  // With MINOR alone the kernel would silently zero-fill holes of the file.
  request.mode = delivery_ == FaultDelivery::kMark ? abi::kRegisterWriteProtect : abi::kRegisterMissing | abi::kRegisterMinor;
  if (ioctl(fd_, abi::kIocRegister, &request) != 0) return SysError{errno, "ioctl(UFFDIO_REGISTER)"};
  return {};
}

void Userfaultfd::Unregister(void* start, size_t bytes) {
  abi::Range range = {reinterpret_cast<uintptr_t>(start), bytes};
  const int answer = ioctl(fd_, abi::kIocUnregister, &range);
  FAULTLINE_CHECK(answer == 0, "(U) a range that we registered can be unregistered", static_cast<uint64_t>(errno));
  Wake(start, bytes);
}

Status Userfaultfd::UnregisterPiece(void* start, size_t bytes) {
  if (const int refused = Refused(SystemCall::kUnregisterPiece)) return SysError{refused, "ioctl(UFFDIO_UNREGISTER)"};
  abi::Range range = {reinterpret_cast<uintptr_t>(start), bytes};
  if (ioctl(fd_, abi::kIocUnregister, &range) != 0) return SysError{errno, "ioctl(UFFDIO_UNREGISTER)"};
  Wake(start, bytes);
  return {};
}

void Userfaultfd::Wake(void* start, size_t bytes) {
  abi::Range range = {reinterpret_cast<uintptr_t>(start), bytes};
  const int answer = ioctl(fd_, abi::kIocWake, &range);
  FAULTLINE_CHECK(answer == 0, "UFFDIO_WAKE is legal in every state", static_cast<uint64_t>(errno));
}

uint32_t Userfaultfd::Continue(void* start, size_t bytes, uint8_t* alias_of_start) {
  uint32_t calls = 0;
  uint32_t refused_times = 0;
  size_t done = 0;
  uint8_t* const base = static_cast<uint8_t*>(start);
  while (done < bytes) {
    abi::RangeFill request = {};
    request.range = {reinterpret_cast<uintptr_t>(base + done), bytes - done};
    ++calls;
    int error = Refused(SystemCall::kContinue);
    if (error == 0) {
      if (ioctl(fd_, abi::kIocContinue, &request) == 0) return calls;
      error = errno;
    }
    switch (error) {
      case EAGAIN:
        // A later page stopped the call part way (the next call will say why), or the address space is changing.
        if (request.done > 0) done += static_cast<size_t>(request.done);
        break;
      case EEXIST:
        // Another thread has mapped this page first.  That does not wake the threads that sleep on it.
        if (delivery_ == FaultDelivery::kDescriptor) Wake(base + done, kPageSize);
        done += kPageSize;
        break;
      case EFAULT:
        // A hole of the file: touch it, so that the file gets a zero page, then try again.
        TouchPage(alias_of_start + done);
        break;
      case ENOMEM:
        // No memory for a page of the page table, under a limit.  Another thread may free some; this thread cannot go on without it.
        FAULTLINE_CHECK(++refused_times < kMemoryAttempts, "the system has memory for page tables", request.range.start);
        sched_yield();
        break;
      case ENOENT:
        // No longer registered: the cycle is over and ordinary page faults serve the range from now on.
        return calls;
      default:
        InvariantFailed(__FILE__, __LINE__, "UFFDIO_CONTINUE answers EAGAIN, EEXIST, EFAULT or ENOENT", static_cast<uint64_t>(error),
                        request.range.start);
    }
  }
  return calls;
}

uint32_t Userfaultfd::Copy(void* start, size_t bytes, const uint8_t* contents, uint8_t* alias_of_start) {
  uint32_t calls = 0;
  uint32_t refused_times = 0;
  size_t done = 0;
  while (done < bytes) {
    abi::Fill request = {};
    request.to = reinterpret_cast<uintptr_t>(start) + done;
    request.from = reinterpret_cast<uintptr_t>(contents) + done;
    request.len = bytes - done;
    ++calls;
    int error = Refused(SystemCall::kCopy);
    if (error == 0) {
      if (ioctl(fd_, abi::kIocCopy, &request) == 0) return calls;
      error = errno;
    }
    switch (error) {
      case EAGAIN:
        // A later page stopped the call part way (the next call will say why), or the address space is changing.
        if (request.done > 0) done += static_cast<size_t>(request.done);
        break;
      case EEXIST:
        // No longer a hole, but the view does not show it either: no other thread may build or show this page.
        memcpy(alias_of_start + done, contents + done, kPageSize);
        calls += Continue(static_cast<uint8_t*>(start) + done, kPageSize, alias_of_start + done);
        done += kPageSize;
        break;
      case ENOMEM:
      case ENOSPC:
        // No memory for the page itself: pages that are filled by copying cannot be populated beforehand.  Another thread may free some.
        FAULTLINE_CHECK(++refused_times < kMemoryAttempts, "the system has memory for a page that is copied", request.to);
        sched_yield();
        break;
      default:
        InvariantFailed(__FILE__, __LINE__, "UFFDIO_COPY into a page of ours answers EAGAIN, EEXIST or ENOMEM",
                        static_cast<uint64_t>(error), request.to);
    }
  }
  return calls;
}

Status Userfaultfd::RegisterMissing(void* start, size_t bytes) {
  abi::Register request = {};
  request.range = {reinterpret_cast<uintptr_t>(start), bytes};
  request.mode = abi::kRegisterMissing;
  if (ioctl(fd_, abi::kIocRegister, &request) != 0) return SysError{errno, "ioctl(UFFDIO_REGISTER)"};
  return {};
}

Status Userfaultfd::Move(void* start, void* from, size_t bytes) {
  if (const int refused = Refused(SystemCall::kMove)) return SysError{refused, "ioctl(UFFDIO_MOVE)"};
  abi::Fill request = {};
  request.to = reinterpret_cast<uintptr_t>(start);
  request.from = reinterpret_cast<uintptr_t>(from);
  request.len = bytes;
  if (ioctl(fd_, abi::kIocMove, &request) != 0) return SysError{errno, "ioctl(UFFDIO_MOVE)"};
  return {};
}

size_t Userfaultfd::ReadMessages(FaultMessage* messages, size_t capacity) {
  abi::Message raw[kMessageBatch];
  const size_t limit = capacity < kMessageBatch ? capacity : kMessageBatch;
  const ssize_t got = read(fd_, raw, limit * sizeof(abi::Message));
  if (got <= 0) {
    FAULTLINE_CHECK(errno == EINTR || errno == EAGAIN, "reading faults is only ever interrupted", static_cast<uint64_t>(errno));
    return 0;
  }
  const size_t count = static_cast<size_t>(got) / sizeof(abi::Message);
  for (size_t i = 0; i < count; ++i) {
    messages[i].is_page_fault = raw[i].event == abi::kEventPageFault;
    messages[i].address = raw[i].address;
    messages[i].thread = static_cast<uint32_t>(raw[i].thread);
  }
  return count;
}

bool UserfaultfdProbe::has_minor_faults() const { return (features & abi::kFeatureMinorShmem) != 0; }
bool UserfaultfdProbe::has_signal_delivery() const { return (features & abi::kFeatureSigbus) != 0; }
bool UserfaultfdProbe::has_copying() const { return (features & abi::kFeatureMissingShmem) != 0; }
bool UserfaultfdProbe::has_async_write_protection() const { return (features & abi::kFeatureWpAsync) != 0; }

namespace {

SysError TryMove(int flags) {
  Userfaultfd descriptor;
  if (Status status = descriptor.Open(FaultDelivery::kSignal); !status.ok()) return status.error();
  void* const to = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  void* const from = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SysError answer;
  if (to == MAP_FAILED || from == MAP_FAILED) {
    answer = SysError{errno, "mmap"};
  } else {
    *static_cast<volatile uint8_t*>(from) = 1;
    Status status = descriptor.RegisterMissing(to, kPageSize);
    if (status.ok()) status = descriptor.Move(to, from, kPageSize);
    answer = status.ok() ? SysError{0, "ioctl(UFFDIO_MOVE)"} : status.error();
  }
  if (to != MAP_FAILED) munmap(to, kPageSize);
  if (from != MAP_FAILED) munmap(from, kPageSize);
  return answer;
}

}  // namespace

MoveProbe ProbeMove() { return {TryMove(MAP_PRIVATE), TryMove(MAP_SHARED)}; }

UserfaultfdProbe ProbeUserfaultfd() {
  UserfaultfdProbe probe;
  const int fd = OpenDescriptor(&probe);
  if (fd < 0) return probe;
  // A request for no features returns all that the kernel has; this descriptor is of no further use.
  if (Status status = Handshake(fd, 0, &probe.features); !status.ok()) {
    probe.features = 0;
    probe.handshake_error = status.error();
  }
  close(fd);
  return probe;
}

}  // namespace faultline
