// Userfaultfd: the kernel's page fault as a service.  A thin wrapper with every answer named.
//
// Only what compaction and write tracking need: open, register, continue, copy, wake, unregister, read.  The ABI numbers
// are our own (userfaultfd_abi.h), since distribution headers lag behind the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

// How a fault reaches us: as SIGBUS in the thread, as a message, or not at all, because the kernel resolves it and leaves a mark
// (asynchronous write protection, see write_tracking.h).
enum class FaultDelivery { kSignal, kDescriptor, kMark };

// How userfaultfd was opened; the order in which it is tried is in docs/minor-faults.md.
enum class UserfaultfdOpening { kNone, kDevice, kSystemCall, kSystemCallUserModeOnly };

const char* NameOf(UserfaultfdOpening opened_by);

struct FaultMessage {
  bool is_page_fault = false;
  uintptr_t address = 0;
  uint32_t thread = 0;  // As gettid() gives it.
};

class Userfaultfd {
 public:
  Userfaultfd() = default;
  Userfaultfd(const Userfaultfd&) = delete;
  Userfaultfd& operator=(const Userfaultfd&) = delete;
  ~Userfaultfd() { Close(); }

  // Tries /dev/userfaultfd, the system call, the system call with USER_MODE_ONLY.  The handshake works once per
  // descriptor, so the features are asked for in one go; EINVAL there means that the kernel lacks one of them.
  Status Open(FaultDelivery delivery);
  void Close();

  // MISSING|MINOR, or WP when faults only leave a mark.
  Status Register(void* start, size_t bytes);

  // MISSING alone, which private anonymous memory has too.
  Status RegisterMissing(void* start, size_t bytes);

  // All that was registered, or all that is left of it, which needs no new mapping: this must succeed (U).  Also wakes: UNREGISTER alone
  // leaves minor waiters asleep.
  void Unregister(void* start, size_t bytes);
  // A part of it, which splits the mapping.  ENOMEM at the limit of mappings.
  Status UnregisterPiece(void* start, size_t bytes);

  // Publishes pages whose content in the file is final.  Walks the whole range, steps over pages that are mapped already
  // (EEXIST is not a wake-up, so those are woken when faults come by descriptor) and returns how many calls it took.
  // Ends early, quietly, when the range is no longer registered.  Async-signal-safe.
  uint32_t Continue(void* start, size_t bytes, uint8_t* alias_of_start);

  // Fills the file's holes at `start` with pages copied from `contents`, and shows them (gc/compaction/staging.h).  Where somebody who read
  // the file through another view has filled one, its page is written through the alias instead.  Walks the whole range, wakes who sleeps
  // on it, and returns how many calls it took.  Async-signal-safe.
  uint32_t Copy(void* start, size_t bytes, const uint8_t* contents, uint8_t* alias_of_start);

  // Gives pages of the process to the missing range at `start`; both sides must be private anonymous memory (Linux 6.8).  For comparison
  // only: the heap's pages are a file's.
  Status Move(void* start, void* from, size_t bytes);

  void Wake(void* start, size_t bytes);

  // Blocks until faults arrive; returns how many messages were stored, 0 when interrupted.
  size_t ReadMessages(FaultMessage* messages, size_t capacity);

  bool is_open() const { return fd_ >= 0; }
  UserfaultfdOpening opened_by() const { return opened_by_; }

 private:
  int fd_ = -1;
  FaultDelivery delivery_ = FaultDelivery::kSignal;
  UserfaultfdOpening opened_by_ = UserfaultfdOpening::kNone;
};

// What a throw-away descriptor says about this kernel.
struct UserfaultfdProbe {
  UserfaultfdOpening opened_by = UserfaultfdOpening::kNone;
  uint64_t features = 0;
  SysError device_error;
  SysError system_call_error;
  SysError user_mode_only_error;
  SysError handshake_error;  // UFFDIO_API, where userfaultfd could be opened.

  bool has_minor_faults() const;
  bool has_signal_delivery() const;
  bool has_copying() const;  // Into shared memory.
  bool has_async_write_protection() const;
};

UserfaultfdProbe ProbeUserfaultfd();

// What UFFDIO_MOVE answers between two private pages, and from a private page into a view of a file; error_number 0 for yes.
struct MoveProbe {
  SysError between_private;
  SysError into_shared;
};

MoveProbe ProbeMove();

}  // namespace faultline
