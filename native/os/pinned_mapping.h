// PinnedMapping: a mapping of a few pages of the memory file, for addresses that leave the heap.
//
// Every flip swaps the page tables of the mutator view, which may also be registered with userfaultfd, and a system call on a page that is
// not mapped yet fails.  This mapping is never moved or registered, and has all its entries from the start.
//
//     open ──Revoke──▶ inaccessible, or zeros ──Close──▶ unmapped
//
// The address may still be used after the pin was released, by a read that was under way.  So the range outlives the pin, but no longer
// shows the heap.  It goes back to the system when nothing can hold the address any more.
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
  // From here on a touch faults and a system call fails with EFAULT; with `readable`, the range holds zeros of its own instead.  False if
  // the system refuses, at the limit of mappings: then the range shows the file as before, and its pages must not be reused.
  bool Revoke(bool readable);
  void Close();

  // The address of the file's byte `offset`.
  uint8_t* data() const { return data_; }

 private:
  Status Map(const MemoryFile& file, size_t offset, size_t bytes);

  uint8_t* data_ = nullptr;
  uint8_t* start_ = nullptr;
  size_t mapped_bytes_ = 0;
};

}  // namespace faultline
