// Userfaultfd calls: each call of the kernel as one function that gives the kernel's answer as it is.
//
// Userfaultfd (os/userfaultfd.h) says what the heap makes of the answers, FaultDescriptor (pages/fault_descriptor.h) what programs are
// told.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"
#include "os/userfaultfd_abi.h"

namespace faultline {

// How userfaultfd was opened; the order in which it is tried is in docs/minor-faults.md.
enum class UserfaultfdOpening { kNone, kDevice, kSystemCall, kSystemCallUserModeOnly };

// With kBlocking a read waits for a message; the descriptor cannot be polled then, the kernel answers POLLERR.
enum class MessageReads { kBlocking, kNonBlocking };

// A raw descriptor, close-on-exec, before the handshake.
Result<int> OpenUserfaultfd(UserfaultfdOpening by, MessageReads reads);

struct UserfaultfdOffer {
  uint64_t features = 0;
  uint64_t ioctls = 0;
};

// Works once for each descriptor.  A request for no features is offered all.
Result<UserfaultfdOffer> ShakeHands(int fd, uint64_t api, uint64_t features);

// Returns the bits of the calls that the kernel offers for the range.
Result<uint64_t> RegisterRange(int fd, uintptr_t start, size_t bytes, uint64_t modes);
// Leaves those asleep who wait for another reason than a missing page.
Status UnregisterRange(int fd, uintptr_t start, size_t bytes);
Status WakeRange(int fd, uintptr_t start, size_t bytes);

// In the order of FILLS in src/pages/abi.ts.
enum class FillCall : uint32_t { kCopy, kZeroPage, kContinue, kMove, kPoison, kWriteProtect };

struct FillRequest {
  FillCall call = FillCall::kCopy;
  uintptr_t to = 0;
  size_t bytes = 0;
  uint64_t mode = 0;
  uintptr_t from = 0;  // Of kCopy and kMove.
};

// One call.  The kernel stops at the first page that it refuses: with EAGAIN if it has done others before, which hides the reason.
struct FillAnswer {
  size_t bytes = 0;
  int error = 0;
};
FillAnswer CallFill(int fd, const FillRequest& request);
const char* NameOf(FillCall call);

// The number of messages, or the error: EAGAIN if there are none.
Result<size_t> ReadUserfaultMessages(int fd, abi::Message* messages, size_t capacity);

// Threads that wait for an answer, and among them those whose message is unread (/proc/self/fdinfo).
struct WaitingThreads {
  uint64_t unread = 0;
  uint64_t all = 0;
};
Result<WaitingThreads> ReadWaitingThreads(int fd);

}  // namespace faultline
