#include "os/write_tracking.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "os/refusals.h"
#include "os/userfaultfd_abi.h"

namespace faultline {

namespace {

constexpr size_t kMostRuns = 256;

SysError LastScanError(int refused) { return SysError{refused != 0 ? refused : errno, "ioctl(PAGEMAP_SCAN)"}; }

// Every kernel with this call handles the combination category = return = WRITTEN correctly.
abi::PagemapScan ScanOf(uint8_t* start, uint8_t* end, bool rearm) {
  abi::PagemapScan scan = {};
  scan.size = sizeof scan;
  // Without CHECK, a range that is not tracked would look clean.
  scan.flags = abi::kScanCheckWpAsync | (rearm ? abi::kScanWriteProtectMatching : 0);
  scan.start = reinterpret_cast<uintptr_t>(start);
  scan.end = reinterpret_cast<uintptr_t>(end);
  scan.category_mask = abi::kPageIsWritten;
  scan.return_mask = abi::kPageIsWritten;
  return scan;
}

}  // namespace

Status WriteTracking::Open() {
  if (Status status = descriptor_.Open(FaultDelivery::kMark); !status.ok()) return status;
  pagemap_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap_ < 0) {
    const SysError error{errno, "open(/proc/self/pagemap)"};
    Close();
    return error;
  }
  // An empty scan, to see whether the kernel knows the call.
  abi::PagemapScan scan = ScanOf(nullptr, nullptr, false);
  const int refused = Refused(SystemCall::kPagemapScan);
  if (refused != 0 || ioctl(pagemap_, abi::kIocPagemapScan, &scan) < 0) {
    const SysError error = LastScanError(refused);
    Close();
    return error;
  }
  return {};
}

void WriteTracking::Close() {
  if (pagemap_ >= 0) close(pagemap_);
  pagemap_ = -1;
  descriptor_.Close();
  registered_ = false;
}

Status WriteTracking::Begin(uint8_t* start, size_t bytes) {
  if (Status status = descriptor_.Register(start, bytes); !status.ok()) return status;
  start_ = start;
  bytes_ = bytes;
  released_bytes_ = 0;
  registered_ = true;
  return {};
}

Status WriteTracking::Extend(size_t bytes) {
  if (Status status = descriptor_.Register(start_ + bytes_, bytes - bytes_); !status.ok()) return status;
  bytes_ = bytes;
  return {};
}

Status WriteTracking::Arm(size_t offset, size_t bytes) {
  if (!registered_) return SysError{EPERM, "ioctl(PAGEMAP_SCAN)"};
  if (const int refused = Refused(SystemCall::kPagemapScan)) return LastScanError(refused);
  // A scan that returns nothing and re-arms what matches arms everything.
  abi::PagemapScan scan = ScanOf(start_ + offset, start_ + offset + bytes, true);
  if (ioctl(pagemap_, abi::kIocPagemapScan, &scan) < 0) return LastScanError(0);
  return {};
}

Result<size_t> WriteTracking::Harvest(size_t* at, size_t end, bool rearm, Run* runs, size_t capacity) {
  if (!registered_) return SysError{EPERM, "ioctl(PAGEMAP_SCAN)"};
  if (const int refused = Refused(SystemCall::kPagemapScan)) return LastScanError(refused);
  abi::PageRegion found[kMostRuns];
  abi::PagemapScan scan = ScanOf(start_ + *at, start_ + end, rearm);
  scan.vec = reinterpret_cast<uintptr_t>(found);
  scan.vec_len = std::min(capacity, kMostRuns);
  const int count = ioctl(pagemap_, abi::kIocPagemapScan, &scan);
  if (count < 0) return LastScanError(0);
  const uintptr_t base = reinterpret_cast<uintptr_t>(start_);
  for (int i = 0; i < count; ++i) runs[i] = {found[i].start - base, found[i].end - base};
  *at = scan.walk_end - base;
  return static_cast<size_t>(count);
}

bool WriteTracking::ReleasePiece(size_t piece_bytes) {
  if (!registered_) return true;
  const size_t left = bytes_ - released_bytes_;
  size_t piece = std::min(piece_bytes, left);
  if (piece == left || !descriptor_.UnregisterPiece(start_ + released_bytes_, piece).ok()) {
    // At the limit of mappings a piece cannot be split off; the whole rest needs no new mapping (U).
    piece = left;
    descriptor_.Unregister(start_ + released_bytes_, piece);
  }
  released_bytes_ += piece;
  registered_ = released_bytes_ < bytes_;
  return !registered_;
}

}  // namespace faultline
