// WriteTracking: which pages of a range were written, told by the kernel.  A write barrier that no mutator executes.
//
//     Begin ──▶ Arm (in pieces) ──▶ Harvest … Harvest ──▶ Release (in pieces)
//
// The range is registered with userfaultfd for asynchronous write protection (UFFD_FEATURE_WP_ASYNC, Linux 6.7): the first write
// to an armed page makes the kernel take the protection off and go on, 0.8 us and no message.  PAGEMAP_SCAN tells which pages
// have lost theirs and arms them again, one atomic step a page: a store that comes before the step is seen by whoever reads after
// it, one that comes after it marks the page anew.
//
// Only writes through this very mapping are noticed.  What is written through another one, or changed by punching, is the caller's
// to remember.  A page that was never armed counts as written.
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

  // EINVAL when the kernel has no asynchronous write protection, ENOTTY when it has no PAGEMAP_SCAN.
  Status Open();
  void Close();
  bool is_open() const { return pagemap_ >= 0; }

  // One call for any size; nothing is armed yet.
  Status Begin(uint8_t* start, size_t bytes);
  bool registered() const { return registered_; }

  // The pages count as not written from here on.  Offsets from the start of the range.
  Status Arm(size_t offset, size_t bytes);

  // Up to `capacity` runs of written pages from `*at` on; moves `*at` to where to go on.  `rearm`: they count as not written from here
  // on, which takes a TLB flush for each 2 MiB with such a page.
  Result<size_t> Harvest(size_t* at, size_t end, bool rearm, Run* runs, size_t capacity);

  // Takes the next piece out of tracking, or at the limit of mappings all that is left; true when nothing is left.  About 30 us a MiB
  // under the address space's lock.
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
