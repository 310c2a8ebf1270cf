// Anonymous memory: zero-filled pages that no file is behind, for tables of our own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace faultline {

enum class PageSize : uint8_t { kBase, kHugeIfPossible };

// Whole base pages, which come when they are touched.  Memory that asks for huge ones lies on their boundary; where the kernel grants none
// it is the same and only slower (Linux, admin-guide/mm/transhuge.rst).
Result<void*> MapZeroed(size_t bytes, PageSize page_size);

// All zeros again.  In a process that has locked its memory the pages stay.
void DropPages(void* memory, size_t bytes);

// Shared memory that nobody can touch before it is made accessible.
Result<void*> MapInaccessible(size_t bytes);
void MakeAccessible(void* memory, size_t bytes);

void Unmap(void* memory, size_t bytes);

}  // namespace faultline
