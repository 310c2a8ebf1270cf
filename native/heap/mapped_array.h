// MappedArray: a zero-filled table of its own pages, lazily committed, which can be emptied again in one call.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "os/result.h"

namespace faultline {

template <typename T>
class MappedArray {
 public:
  MappedArray() = default;
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() { Release(); }

  Status Create(size_t count) {
    bytes_ = (count * sizeof(T) + 4095) & ~size_t{4095};
    void* mapped = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
      bytes_ = 0;
      return SysError{errno, "mmap"};
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

  // Gives the pages back; every element reads as zero afterwards.
  void DropPages() { madvise(data_, bytes_, MADV_DONTNEED); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  size_t size() const { return count_; }
  size_t bytes() const { return bytes_; }

 private:
  T* data_ = nullptr;
  size_t bytes_ = 0;
  size_t count_ = 0;
};

}  // namespace faultline
