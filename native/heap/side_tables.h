// Side tables: all of the collector's data about words, blocks, pages and regions.  Objects carry none of it.
//
//   table           entry per        bytes   share   written by         valid
//   object starts   word (1 bit)             1.56 %  marking, builders  mark pause … finish
//   live words      word (1 bit)             1.56 %  plan, sources only plan … finish
//   block offsets   64 words         4       0.78 %  plan, sources only plan … finish
//   page states     page             4       0.10 %  page_states.h      flip … finish
//   page records    page             8       0.20 %  see PageRecord
//   per region      region           ~32     0.003 %
//                                            4.2 %
//
// (B) From the pause that ends marking until the last wave of the cycle (gc/collector.h) is planned, the start bits and marked pages of a
// region say what marking found there, or what a wave has copied there since; a free region has neither.  What the last wave copies gets
// none, which saves 4 to 7 % of building its pages: nobody asks for them before the next marking.
//
// Live words and block offsets have memory only while a plan needs it, and only those of its sources: 1.9 % is left between collections.
#pragma once

#include "heap/bitmap.h"
#include "heap/layout.h"
#include "heap/mapped_array.h"
#include "heap/page_states.h"
#include "heap/region_set.h"
#include "heap/regions.h"

namespace faultline {

// Two meanings, never at once, because a page is handed out from a region that was free when marking ended, or after the region's marked
// pages:
//   target page of the running cycle    start = source object that covers the page's first word, offset = how many words
//                                       of it lie on earlier pages (kNoObject when nothing is copied to the page)
//   page of a TLAB                      start = first word of the TLAB; its first page also has end = the TLAB's final
//                                       top, set when it is retired
struct PageRecord {
  WordIndex start{0};
  uint32_t offset_or_end = 0;
};
static_assert(sizeof(PageRecord) == 8);

// Where the live words of a source region go: to one target, and from `split` on to the next one.  `pad` is added from there on (modulo
// 2^32; the next target may have lower addresses).
struct RegionForward {
  WordIndex split{~0u};
  uint32_t pad = 0;
};

struct SideTables {
  Bitmap object_starts;
  Bitmap live_bits;
  MappedArray<uint32_t> block_offsets;
  PageStates page_states;
  MappedArray<PageRecord, PageIndex> page_records;

  // Per region.
  MappedArray<uint8_t, RegionIndex> moving;  // 1 from plan to finish for this cycle's sources.
  MappedArray<RegionForward, RegionIndex> forward;
  MappedArray<uint32_t, RegionIndex> live_word_counts;  // Words of objects that have a start bit.
  MappedArray<uint16_t, RegionIndex> marked_pages;      // Pages whose objects have one if they are alive; younger pages come after them.
  MappedArray<RegionUse, RegionIndex> frozen;           // The region table at the flip.
  MappedArray<RegionIndex, RegionIndex> next_source;    // Order of the evacuation; kEndOfSources ends it.
  MappedArray<WordIndex, RegionIndex> target_end;       // First word after what is copied into a target.
  MappedArray<uint32_t, RegionIndex> unread_pages;      // Target pages that still have to read this source (atomic).

  static constexpr RegionIndex kEndOfSources{~0u};

  // (B) Another wave follows, so builders set the start bits of targets.  Frozen from plan to finish.
  bool marks_targets = false;

  // Called before anything is written about a source: provides the memory of its live words and block offsets.  A region for which that is
  // refused cannot be a source.
  Status ProvideForSource(RegionIndex source);
  // Gives back what was provided, when no plan stands.  False when the time is over.
  bool GiveBackForSources(uint64_t deadline_ns);

  // Live words before the object in its source region; once the block offsets are absolute, the object's word address without `pad`.
  uint32_t LiveWordsBefore(WordIndex object) const { return CountBefore(live_bits.data(), block_offsets.data(), object); }

  // What the last marking found in the region, which is about to be free or to be marked anew.
  void ForgetMarks(RegionIndex region) {
    if (live_word_counts[region] == 0) return;
    object_starts.ClearRegion(region);
    live_word_counts[region] = 0;
  }
  // (B) The source has no readers left; what comes to its place will be younger than the marking …
  void ForgetSource(RegionIndex source) {
    ForgetMarks(source);
    marked_pages[source] = 0;
  }
  // … unless it is copied there: builders have set the start bits of `words` words on `pages` pages.
  void NoteCopied(RegionIndex target, uint32_t pages, uint32_t words) {
    live_word_counts[target] = words;
    marked_pages[target] = static_cast<uint16_t>(pages);
  }

  Status Create(uint32_t regions);
  // Committed lazily; this is the size when everything is in use.
  size_t bytes() const;

 private:
  RegionSet provided_;
};

}  // namespace faultline
