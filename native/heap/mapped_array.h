// MappedArray: a zero-filled table on pages of its own, lazily committed, which can be cleared again in one call.
//
// Tables that are accessed at random (mark bits) ask for huge pages: then one TLB entry covers 2 MiB of marks, instead of 512 entries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/anonymous_memory.h"
#include "os/result.h"

namespace faultline {

// `At` is the type of its index (heap/index.h).
template <typename T, typename At = size_t>
class MappedArray {
 public:
  MappedArray() = default;
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() { Release(); }

  Status Create(size_t count, PageSize page_size = PageSize::kBase) {
    const size_t bytes = (count * sizeof(T) + 4095) & ~size_t{4095};
    Result<void*> mapped = MapZeroed(bytes, page_size);
    if (!mapped.ok()) return mapped.error();
    data_ = static_cast<T*>(mapped.value());
    bytes_ = bytes;
    count_ = count;
    return {};
  }

  void Release() {
    if (data_ != nullptr) Unmap(data_, bytes_);
    data_ = nullptr;
    bytes_ = count_ = 0;
  }

  // Gives the pages back; every element reads as zero afterwards.  In a process that has locked its memory, the pages are kept.
  void DropPages() { faultline::DropPages(data_, bytes_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](At index) { return data_[index]; }
  const T& operator[](At index) const { return data_[index]; }
  size_t size() const { return count_; }
  size_t bytes() const { return bytes_; }

 private:
  T* data_ = nullptr;
  size_t bytes_ = 0;
  size_t count_ = 0;
};

}  // namespace faultline
