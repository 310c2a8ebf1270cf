// Refusals: makes system calls fail on demand, so that every branch on the kernel's answers can be tested.
//
// Each system call whose refusal we handle checks here first.  A test arms a call with an errno, a number of calls to let through and a
// number to refuse.  Unarmed, this costs one relaxed load next to a system call.
#pragma once

#include <cstdint>

namespace faultline {

enum class SystemCall : uint32_t {
  kMemfdCreate,
  kFtruncate,
  kMmap,
  kMremap,
  kUserfaultfd,
  kUserfaultfdApi,
  kRegister,
  kContinue,
  kCopy,
  kMove,
  kPopulate,
  kPunchHole,
  kMprotect,
  kPagemapScan,
  kTakeOut,
  kUnregisterPiece,
  kGetrandom,
  kCount,
};

// Names in the order of the enum, for the test binding and for messages.
extern const char* const kSystemCallNames[static_cast<uint32_t>(SystemCall::kCount)];

// Refuses `refuse` calls with `error_number` after letting `skip` calls through.  refuse = 0 disarms.
void ArmRefusal(SystemCall call, int error_number, uint32_t skip, uint32_t refuse);

// The errno to simulate, or 0 to make the call.  Async-signal-safe.
int Refused(SystemCall call);

}  // namespace faultline
