// PinnedMapping: a mapping of a few pages of the memory file, for addresses that leave the heap.
//
// The mutator view is swapped by every flip and may be registered with userfaultfd, and a system call on a page that it does not
// map yet fails.  This mapping is never moved or registered, and has all its entries from the start.
//
//     open ──Revoke──▶ inaccessible, or zeros ──Close──▶ unmapped
//
// Whoever was given the address may use it late: a read that was under way when the pin was released.  So the range outlives the pin,
// and shows nothing of the heap any more.  It goes back to the system when nobody can hold the address.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/memory_file.h"
#include "os/result.h"

namespace faultline {

class PinnedMapping {
 public:
  PinnedMapping() = default;
  PinnedMapping(const PinnedMapping&) = delete;
  PinnedMapping& operator=(const PinnedMapping&) = delete;
  ~PinnedMapping() { Close(); }

  // Maps the pages around [offset, offset + bytes) of the file; bytes > 0.
  Status Create(const MemoryFile& file, size_t offset, size_t bytes);
  // From here on a touch faults, a system call fails with EFAULT; with `readable` the range holds zeros of its own instead.  False when
  // the system refuses that, at the limit of mappings: the range shows the file as before, whose pages must stay what they are.
  bool Revoke(bool readable);
  void Close();

  // Where the file's byte `offset` is.
  uint8_t* data() const { return data_; }

 private:
  Status Map(const MemoryFile& file, size_t offset, size_t bytes);

  uint8_t* data_ = nullptr;
  uint8_t* start_ = nullptr;
  size_t mapped_bytes_ = 0;
};

}  // namespace faultline
