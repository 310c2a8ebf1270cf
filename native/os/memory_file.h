// MemoryFile: the heap file.  An anonymous file in memory (memfd) that is mapped several times; a page always keeps its file offset, which
// is what lets UFFDIO_CONTINUE publish it.
//
// The size is sealed: a truncation raises no userfaultfd event, so the file must not be shrunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

class MemoryFile {
 public:
  MemoryFile() = default;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { Close(); }

  // `bytes` is a multiple of the page size.  No memory is used until pages are touched.
  Status Create(size_t bytes);
  void Close();

  // Allocates pages for [offset, offset + bytes); existing contents stay as they are.
  Status Allocate(size_t offset, size_t bytes) const;

  // Gives the pages of [offset, offset + bytes) back to the system; they read as zero afterwards.  0.5 us a page, so callers work in
  // pieces.  No userfaultfd event is raised (reference: uffd 1.9).
  Status PunchHole(size_t offset, size_t bytes) const;

  // The memory that the file occupies.  Process memory counts a page once per mapping; this does not.
  size_t AllocatedBytes() const;

  int fd() const { return fd_; }
  size_t bytes() const { return bytes_; }

 private:
  int fd_ = -1;
  size_t bytes_ = 0;
};

}  // namespace faultline
