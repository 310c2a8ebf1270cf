// WriteTracking: which pages of a range were written, as the kernel reports it.  A write barrier that no mutator executes.
//
//     Begin ──▶ Arm (in pieces) ──▶ Harvest … Harvest ──▶ Release (in pieces)
//
// The range is registered with userfaultfd for asynchronous write protection (UFFD_FEATURE_WP_ASYNC, Linux 6.7): at the first write to an
// armed page, the kernel removes the protection and continues, in 0.8 us and without a message.  PAGEMAP_SCAN reports which pages have lost
// their protection and arms them again, in one atomic step per page: a store before the step is seen by reads after it, a store after it
// marks the page again.
//
// Only writes through this very mapping are noticed.  The caller has to remember what is written through another mapping, or changed by
// punching.  A page that was never armed counts as written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"
#include "os/userfaultfd.h"

namespace faultline {

class WriteTracking {
 public:
  // Pages [begin, end) of the range, in bytes.
  struct Run {
    size_t begin = 0;
    size_t end = 0;
  };

  WriteTracking() = default;
  WriteTracking(const WriteTracking&) = delete;
  WriteTracking& operator=(const WriteTracking&) = delete;
  ~WriteTracking() { Close(); }

  // EINVAL if the kernel has no asynchronous write protection, ENOTTY if it has no PAGEMAP_SCAN.
  Status Open();
  void Close();
  bool is_open() const { return pagemap_ >= 0; }

  // One call for any size; nothing is armed yet.
  Status Begin(uint8_t* start, size_t bytes);
  bool registered() const { return registered_; }
  // How much of the range ReleasePiece has taken out, from its start.
  size_t released_bytes() const { return released_bytes_; }

  // So many bytes from the start on: those that are new are not armed yet.
  Status Extend(size_t bytes);

  // From here on the pages count as not written.  Offsets are from the start of the range.
  Status Arm(size_t offset, size_t bytes);

  // Finds up to `capacity` runs of written pages from `*at` on, and sets `*at` to where to continue.  With `rearm` they count as not
  // written from here on, which takes a TLB flush for each 2 MiB with such a page.
  Result<size_t> Harvest(size_t* at, size_t end, bool rearm, Run* runs, size_t capacity);

  // Ends the tracking of the next piece, or at the limit of mappings of all that is left; true when nothing is left.  About 30 us a MiB
  // of pages that are mapped, under the address space's lock.
  bool ReleasePiece(size_t piece_bytes);

 private:
  Userfaultfd descriptor_;
  int pagemap_ = -1;
  uint8_t* start_ = nullptr;
  size_t bytes_ = 0;
  size_t released_bytes_ = 0;
  bool registered_ = false;
};

}  // namespace faultline
