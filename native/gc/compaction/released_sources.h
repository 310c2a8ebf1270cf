// Released sources: source regions that have no readers left (invariant F).  The plan counts the target pages that read each source; the
// builder of the last one clears the source's marks (B) and notes it here, and any thread that needs memory frees the noted sources.
#pragma once

#include <atomic>

#include "gc/compaction/page_building.h"
#include "heap/heap.h"
#include "heap/mapped_array.h"
#include "heap/poison.h"
#include "os/invariant.h"

namespace faultline {

class ReleasedSources final : public SourceRelease {
 public:
  explicit ReleasedSources(Heap* heap) : heap_(heap) {}

  Status Open() { return noted_.Create((heap_->regions.count() + 63) / 64); }

  void SourceRead(RegionIndex source) override {
    std::atomic_ref<uint32_t> unread(heap_->tables.unread_pages[source]);
    // acq_rel: the builder of the last page sees that all other builders are done with the source (F).
    const uint32_t before = unread.fetch_sub(1, std::memory_order_acq_rel);
    FAULTLINE_CHECK(before > 0, "(F) a source has as many readers as the plan counted", source);
    if (before != 1) return;
    heap_->tables.ForgetSource(source);
    std::atomic_ref<uint64_t> bits(noted_[source / 64]);
    bits.fetch_or(uint64_t{1} << (source % 64), std::memory_order_release);  // Partner: Free.
  }

  // Any thread.  True if there was anything to free.
  bool Free() {
    bool any = false;
    for (size_t i = 0; i < noted_.size(); ++i) {
      std::atomic_ref<uint64_t> bits(noted_[i]);
      if (bits.load(std::memory_order_relaxed) == 0) continue;
      uint64_t taken = bits.exchange(0, std::memory_order_acq_rel);  // Partner: SourceRead.
      for (; taken != 0; taken &= taken - 1) {
        const RegionIndex source = RegionIndex(i * 64 + static_cast<uint32_t>(__builtin_ctzll(taken)));
        if (heap_->poisons) Poison(*heap_, source);
        heap_->regions.FreeSource(source);
        any = true;
      }
    }
    return any;
  }

 private:
  Heap* heap_;
  // One bit a region: all its readers are done.  Set by builders (release), taken by Free (acq_rel exchange).
  MappedArray<uint64_t> noted_;
};

}  // namespace faultline
