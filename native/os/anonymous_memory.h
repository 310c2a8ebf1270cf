// Anonymous memory: zero-filled pages without a file, for tables of our own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

enum class PageSize : uint8_t { kBase, kHugeIfPossible };

// Whole base pages, which are allocated when they are touched.  Memory that asks for huge pages is aligned to them; if the kernel grants
// none, it works the same, only slower (Linux, admin-guide/mm/transhuge.rst).
Result<void*> MapZeroed(size_t bytes, PageSize page_size);

// Has pages from here on: no touch can fail for want of one.  Where the kernel has no such call (before Linux 5.14) nothing happens.
Status ProvidePages(void* memory, size_t bytes);

// What is in it is needed no more.  A refusal leaves the pages there.
void GiveBackPages(void* memory, size_t bytes);

// The memory reads as zeros again.  In a process that has locked its memory, the pages stay.
void DropPages(void* memory, size_t bytes);

// Shared memory that cannot be touched before it is made accessible.
Result<void*> MapInaccessible(size_t bytes);
void MakeAccessible(void* memory, size_t bytes);

void Unmap(void* memory, size_t bytes);

}  // namespace faultline
