// MappedArray: a zero-filled table of its own pages, lazily committed, which can be emptied again in one call.
//
// Tables that are read at random (mark bits) ask for huge pages: 2 MiB of marks lie behind one entry of the TLB then, and not behind
// 512.  Where the kernel grants none, the table is the same and only slower (Linux, admin-guide/mm/transhuge.rst).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "os/result.h"

namespace faultline {

enum class PageSize : uint8_t { kBase, kHugeIfPossible };

template <typename T>
class MappedArray {
 public:
  MappedArray() = default;
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() { Release(); }

  Status Create(size_t count, PageSize page_size = PageSize::kBase) {
    bytes_ = (count * sizeof(T) + 4095) & ~size_t{4095};
    // Small ones would lie beside other mappings within one huge page, and get none.
    const bool huge = page_size == PageSize::kHugeIfPossible && bytes_ >= kHugePageBytes;
    const size_t slack = huge ? kHugePageBytes : 0;
    void* mapped = mmap(nullptr, bytes_ + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
      bytes_ = 0;
      return SysError{errno, "mmap"};
    }
    if (huge) {
      uint8_t* const begin = static_cast<uint8_t*>(mapped);
      const size_t before = -reinterpret_cast<uintptr_t>(begin) & (kHugePageBytes - 1);
      if (before > 0) munmap(begin, before);
      if (slack - before > 0) munmap(begin + before + bytes_, slack - before);
      mapped = begin + before;
      madvise(mapped, bytes_, MADV_HUGEPAGE);
    }
    data_ = static_cast<T*>(mapped);
    count_ = count;
    return {};
  }

  void Release() {
    if (data_ != nullptr) munmap(data_, bytes_);
    data_ = nullptr;
    bytes_ = count_ = 0;
  }

  // Gives the pages back; every element reads as zero afterwards.  In a process that has locked its memory it keeps them.
  void DropPages() {
    if (madvise(data_, bytes_, MADV_DONTNEED) != 0) std::memset(static_cast<void*>(data_), 0, bytes_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  size_t size() const { return count_; }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kHugePageBytes = size_t{2} << 20;

  T* data_ = nullptr;
  size_t bytes_ = 0;
  size_t count_ = 0;
};

}  // namespace faultline
