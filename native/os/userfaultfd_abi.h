// The kernel's userfaultfd ABI as this project uses it (Linux 5.7 to 7.2, Documentation/admin-guide/mm/userfaultfd.rst).  The names of
// bits that only TypeScript needs are in src/pages/abi.ts.
// Our own definitions, because <linux/userfaultfd.h> of a long-term distribution is years older than its kernels.
#pragma once

#include <linux/types.h>
#include <sys/ioctl.h>

namespace faultline::abi {

inline constexpr __u64 kApi = 0xAA;
inline constexpr int kUserModeOnly = 1;

// Feature bits (uffdio_api.features).
inline constexpr __u64 kFeatureMissingShmem = 1u << 5;
inline constexpr __u64 kFeatureSigbus = 1u << 7;
inline constexpr __u64 kFeatureThreadId = 1u << 8;
inline constexpr __u64 kFeatureMinorShmem = 1u << 10;
inline constexpr __u64 kFeatureWpAsync = 1u << 15;
inline constexpr __u64 kFeatureMove = 1u << 16;

inline constexpr __u64 kRegisterMissing = 1;
inline constexpr __u64 kRegisterWriteProtect = 2;
inline constexpr __u64 kRegisterMinor = 4;

struct Api {
  __u64 api;
  __u64 features;
  __u64 ioctls;
};
struct Range {
  __u64 start;
  __u64 len;
};
struct Register {
  Range range;
  __u64 mode;
  __u64 ioctls;
};
// UFFDIO_CONTINUE, UFFDIO_ZEROPAGE and UFFDIO_POISON; UFFDIO_WRITEPROTECT is the same without `done`.
struct RangeFill {
  Range range;
  __u64 mode;
  __s64 done;
};
struct WriteProtect {
  Range range;
  __u64 mode;
};
// UFFDIO_COPY and UFFDIO_MOVE.
struct Fill {
  __u64 to;
  __u64 from;
  __u64 len;
  __u64 mode;
  __s64 done;
};
// The words of a page fault; those of the other events are in src/pages/messages.ts.  The first of a fork holds a new descriptor.
struct Message {
  __u8 event;
  __u8 reserved[7];
  __u64 flags;
  __u64 address;
  __u64 thread;
};

inline constexpr __u8 kEventPageFault = 0x12;
inline constexpr __u8 kEventFork = 0x13;
inline constexpr __u64 kFaultOnWriteProtected = 2;

// PAGEMAP_SCAN on /proc/self/pagemap (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst).
struct PageRegion {
  __u64 start;
  __u64 end;
  __u64 categories;
};
struct PagemapScan {
  __u64 size;
  __u64 flags;
  __u64 start;
  __u64 end;
  __u64 walk_end;
  __u64 vec;
  __u64 vec_len;
  __u64 max_pages;
  __u64 category_inverted;
  __u64 category_mask;
  __u64 category_anyof_mask;
  __u64 return_mask;
};
inline constexpr __u64 kScanWriteProtectMatching = 1;
inline constexpr __u64 kScanCheckWpAsync = 2;
inline constexpr __u64 kPageIsWritten = 2;
inline constexpr __u64 kPageIsPresent = 8;

inline constexpr unsigned long kIocNew = _IO(0xAA, 0x00);
inline constexpr unsigned long kIocApi = _IOWR(0xAA, 0x3F, Api);
inline constexpr unsigned long kIocRegister = _IOWR(0xAA, 0x00, Register);
inline constexpr unsigned long kIocUnregister = _IOR(0xAA, 0x01, Range);
inline constexpr unsigned long kIocWake = _IOR(0xAA, 0x02, Range);
inline constexpr unsigned long kIocCopy = _IOWR(0xAA, 0x03, Fill);
inline constexpr unsigned long kIocZeroPage = _IOWR(0xAA, 0x04, RangeFill);
inline constexpr unsigned long kIocMove = _IOWR(0xAA, 0x05, Fill);
inline constexpr unsigned long kIocWriteProtect = _IOWR(0xAA, 0x06, WriteProtect);
inline constexpr unsigned long kIocContinue = _IOWR(0xAA, 0x07, RangeFill);
inline constexpr unsigned long kIocPoison = _IOWR(0xAA, 0x08, RangeFill);
inline constexpr unsigned long kIocPagemapScan = _IOWR('f', 16, PagemapScan);

static_assert(sizeof(Api) == 24 && sizeof(Register) == 32 && sizeof(RangeFill) == 32 && sizeof(WriteProtect) == 24 && sizeof(Fill) == 40 &&
                  sizeof(Message) == 32,
              "the kernel checks structure sizes through the ioctl number");
static_assert(sizeof(PagemapScan) == 96 && sizeof(PageRegion) == 24, "and this one by its field as well");

}  // namespace faultline::abi
