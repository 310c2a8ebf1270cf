// Userfaultfd: a thin wrapper of the kernel's page fault service, in which every answer is named.
//
// Only what compaction and write tracking need: open, register, continue, copy, wake, unregister, read.  The ABI numbers are our own
// (userfaultfd_abi.h), since the headers of distributions lag behind the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"
#include "os/userfaultfd_calls.h"

namespace faultline {

// How a fault reaches us: as SIGBUS in the thread, as a message, or not at all, because the kernel resolves it and records a mark
// (asynchronous write protection, see write_tracking.h).
enum class FaultDelivery { kSignal, kDescriptor, kMark };

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

  // Tries /dev/userfaultfd, the system call, the system call with USER_MODE_ONLY.  The handshake works once per descriptor, so all features
  // are requested in one go; EINVAL there means that the kernel lacks one of them.
  Status Open(FaultDelivery delivery);
  void Close();

  // MISSING|MINOR, or WP if faults only record a mark.
  Status Register(void* start, size_t bytes);

  // MISSING alone, which private anonymous memory has too.
  Status RegisterMissing(void* start, size_t bytes);

  // Unregisters all that was registered, or all that is left of it, which needs no new mapping: this must succeed (U).  Also wakes waiters:
  // UNREGISTER alone leaves minor waiters asleep.
  void Unregister(void* start, size_t bytes);
  // Unregisters a part, which splits the mapping.  ENOMEM at the limit of mappings.
  Status UnregisterPiece(void* start, size_t bytes);

  // Publishes pages whose content in the file is final.  Walks the whole range, skips pages that are mapped already (EEXIST is not a
  // wake-up, so their waiters are woken if faults come by descriptor) and returns how many calls it took.  Ends early, without an error, if
  // the range is no longer registered.  Async-signal-safe.
  uint32_t Continue(void* start, size_t bytes, uint8_t* alias_of_start);

  // Fills the file's holes at `start` with pages copied from `contents`, and shows them (gc/compaction/staging.h).  If a read of the file
  // through another view has filled a hole, its page is written through the alias instead.  Walks the whole range, wakes the threads that
  // sleep on it, and returns how many calls it took.  Async-signal-safe.
  uint32_t Copy(void* start, size_t bytes, const uint8_t* contents, uint8_t* alias_of_start);

  // Moves pages of the process to the missing range at `start`; both sides must be private anonymous memory (Linux 6.8).  For comparison
  // only: the heap's pages belong to a file.
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

// What a throw-away descriptor reports about this kernel.
struct UserfaultfdProbe {
  UserfaultfdOpening opened_by = UserfaultfdOpening::kNone;
  uint64_t features = 0;
  SysError device_error;
  SysError system_call_error;
  SysError user_mode_only_error;
  SysError handshake_error;  // Of UFFDIO_API, if userfaultfd could be opened.

  bool has_minor_faults() const;
  bool has_signal_delivery() const;
  bool has_copying() const;  // Into shared memory.
  bool has_async_write_protection() const;
};

UserfaultfdProbe ProbeUserfaultfd();

// The answers of UFFDIO_MOVE between two private pages, and from a private page into a view of a file; error_number 0 if it works.
struct MoveProbe {
  SysError between_private;
  SysError into_shared;
};

MoveProbe ProbeMove();

}  // namespace faultline
