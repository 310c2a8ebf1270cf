// Layout: every constant of the heap, its reason, and the relations between them.
//
// src/binding/layout.ts mirrors this file and is asserted equal when the addon is loaded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "heap/index.h"
#include "os/page_size.h"

namespace faultline {

// Units.  A WordIndex counts 8-byte words from the heap base and is what a reference holds; 0 is null.
using WordIndex = Index<Word>;
using PageIndex = Index<struct Page>;
using RegionIndex = Index<struct Region>;
using ShapeId = Index<struct Shape>;

inline constexpr size_t kWordBytes = 8;
inline constexpr size_t kPageBytes = kPageSize;
inline constexpr size_t kRegionBytes = size_t{1} << 20;
inline constexpr uint32_t kPageWords = kPageBytes / kWordBytes;
inline constexpr uint32_t kRegionWords = kRegionBytes / kWordBytes;
inline constexpr uint32_t kRegionPages = kRegionBytes / kPageBytes;

// One entry of the block offset table covers one 64-bit word of the live-word bitmap.
inline constexpr uint32_t kBlockWords = 64;

inline constexpr uint32_t kRegionWordsLog2 = 17;
inline constexpr uint32_t kRegionPagesLog2 = 8;
inline constexpr uint32_t kPageWordsLog2 = 9;
inline constexpr uint32_t kBlockWordsLog2 = 6;

// A larger object gets regions of its own and is never copied; so does a smaller one that is to be pinned.
inline constexpr uint32_t kLargeObjectWords = kRegionWords / 2;

// 16 GiB: all that one Uint32Array can span on Node 20 (2^32 elements).
inline constexpr uint32_t kMaxRegions = 16384;

// From this capacity on, objects without references have regions of their own (heap/region_states.h).  In a smaller heap a region more that
// is not full would be too large a part of it.
inline constexpr uint32_t kLeastSeparatedRegions = 8;
// Of these capacities they are taken from the back, so that a flip leaves most of them in the mutator view.  In a smaller heap that gains
// little, and regions that are free side by side are rarer.  Behind 8 GiB the number of a slot is no small integer of V8 any more; nothing
// should lie there before it has to.
inline constexpr uint32_t kLeastRegionsWithTwoEnds = 32;
inline constexpr uint32_t kMostRegionsWithTwoEnds = 8192;

inline constexpr uint32_t kHeaderWords = 1;
inline constexpr uint32_t kHeaderSlots = 2;  // The header word as u32 slots: shape id, element count.

static_assert(kRegionWords == 1u << kRegionWordsLog2);
static_assert(uint64_t{kMostRegionsWithTwoEnds} * kRegionWords * 2 == uint64_t{1} << 31, "slots are u32");
static_assert(kRegionPages == 1u << kRegionPagesLog2);
static_assert(kPageWords == 1u << kPageWordsLog2);
static_assert(kBlockWords == 1u << kBlockWordsLog2);
static_assert(uint64_t{kMaxRegions} * kRegionWords <= uint64_t{1} << 31, "a word index stays a small positive integer in V8");

// A tagged slot, or a root slot, with this bit holds a small integer in the other 31.  References never have it.
inline constexpr uint32_t kSmallIntegerBit = 1u << 31;
static_assert(uint64_t{kMaxRegions} * kRegionWords <= kSmallIntegerBit);
inline constexpr bool IsSmallInteger(uint32_t slot) { return (slot & kSmallIntegerBit) != 0; }
inline constexpr WordIndex kNull{0};
inline constexpr bool IsReference(uint32_t slot) { return slot != 0 && !IsSmallInteger(slot); }

inline constexpr RegionIndex RegionOf(WordIndex word) { return RegionIndex(word >> kRegionWordsLog2); }
inline constexpr PageIndex PageOf(WordIndex word) { return PageIndex(word >> kPageWordsLog2); }
inline constexpr WordIndex FirstWordOfPage(PageIndex page) { return WordIndex(page << kPageWordsLog2); }
inline constexpr WordIndex FirstWordOfRegion(RegionIndex region) { return WordIndex(region << kRegionWordsLog2); }
inline constexpr PageIndex FirstPageOfRegion(RegionIndex region) { return PageIndex(region << kRegionPagesLog2); }
inline constexpr RegionIndex RegionOfPage(PageIndex page) { return RegionIndex(page >> kRegionPagesLog2); }
// The first page of the page's block of `unit` pages, a power of two; and the first page of the next block that begins at or after the
// page.
inline constexpr PageIndex FirstOfUnit(PageIndex page, uint32_t unit) { return PageIndex(page & ~(unit - 1)); }
inline constexpr PageIndex NextUnit(PageIndex page, uint32_t unit) { return FirstOfUnit(page + (unit - 1), unit); }
inline constexpr uint32_t PagesForWords(uint64_t words) { return static_cast<uint32_t>((words + kPageWords - 1) >> kPageWordsLog2); }

// The per-mutator control block, in u32 words.  It lies in memory that JavaScript shares (a SharedArrayBuffer), or in
// native memory for a native mutator.
//
//   word   written by              read by
//   0      mutator and collector   both       state bits, see heap/handshake.h
//   1, 2   mutator; collector while it is stopped        TLAB top and limit (word indices)
//   5      refill; collector while it is stopped         TLAB start, 0 when there is none
//   17 … 19                                              the same of the TLAB for leaves: top, limit, start
//   3      mutator                 collector in a pause  local roots in use
//   4      mutator                 collector in a pause  handle slots ever used
//   6      collector while it is stopped; mutator reads  not 0: the write barrier logs
//   7      mutator; the thread that empties the log      entries in the log
//   8      collector; mutator reads                      how weak slots are read, see heap/weak_access.h
//   9      collector while it is stopped; mutator reads  not 0: the load barrier is raised (heap/load_barrier.h)
//   10     mutator                 collector in a pause  temporaries in use
//   11     mutator                 mutator               open scopes
//   12, 13 mutator                 mutator               a value on its way into or out of an array, see heap/shared_array.h
//   14     mutator                 mutator               views that the open scopes will release
//   20 …   mutator; collector in a pause                 temporaries, then local roots, then handle slots, then the log
namespace control {
inline constexpr uint32_t kState = 0;
inline constexpr uint32_t kTlabTop = 1;
inline constexpr uint32_t kTlabLimit = 2;
inline constexpr uint32_t kLocalsUsed = 3;
inline constexpr uint32_t kHandlesUsed = 4;
inline constexpr uint32_t kTlabStart = 5;
inline constexpr uint32_t kLogging = 6;
inline constexpr uint32_t kLogUsed = 7;
inline constexpr uint32_t kWeakAccess = 8;
inline constexpr uint32_t kLoadBarrier = 9;
inline constexpr uint32_t kTemporariesUsed = 10;
inline constexpr uint32_t kScopes = 11;
inline constexpr uint32_t kValue = 12;
inline constexpr uint32_t kScopedViews = 14;
inline constexpr uint32_t kNullSlot = 15;  // Always zero: handles that lead nowhere point here.
inline constexpr uint32_t kAdopted = 16;   // Not 0: JavaScript has its mutator; 0: it was interrupted while it created the mutator.
inline constexpr uint32_t kLeafTlabTop = 17;
inline constexpr uint32_t kLeafTlabLimit = 18;
inline constexpr uint32_t kLeafTlabStart = 19;
inline constexpr uint32_t kFirstTemporary = 20;
inline constexpr uint32_t kTemporaries = 44;  // Roots of one operation of the library.
inline constexpr uint32_t kSlots = kFirstTemporary + kTemporaries;
static_assert(kValue % 2 == 0, "a value may be a double");
static_assert(kTlabLimit == kTlabTop + 1 && kLeafTlabLimit == kLeafTlabTop + 1, "who has the index of a top has that of its limit");
}  // namespace control

// References that a mutator's write barrier has overwritten (gc/marking/satb_marker.h).
inline constexpr uint32_t kLogEntries = 1024;

// State bits of a mutator.
inline constexpr uint32_t kMutatorRunning = 1;
inline constexpr uint32_t kMutatorStopRequested = 2;
inline constexpr uint32_t kMutatorAsleep = 4;
inline constexpr uint32_t kMutatorStopElsewhere = 8;  // A stop was requested of another mutator of the same thread.

// Root slots that all threads of a heap share: the program's, and as many for the library's own use.
inline constexpr uint32_t kSharedRootSlots = 2048;

}  // namespace faultline
