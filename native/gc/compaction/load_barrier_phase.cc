#include "gc/compaction/load_barrier_phase.h"

#include <atomic>

#include "gc/compaction/forwarding.h"
#include "gc/compaction/page_service.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

void LoadBarrierPhase::Raise(const Plan& plan) {
  for (const RegionIndex source : plan.sources()) heap_->unsettled[source] = 1;
  for (const RegionIndex target : plan.targets()) {
    heap_->unsettled[target] = 1;
    unbuilt_pages_[target] = plan.UsedPagesOfTarget(target) - (target == 0 ? 1 : 0);
  }
  heap_->handshake.SetLoadBarrier(true);
  raised_ = true;
}

void LoadBarrierPhase::Lower(const Plan& plan) {
  DelayAt(DelayPoint::kBeforeDisarm);
  for (const RegionIndex source : plan.sources()) heap_->unsettled[source] = 0;
  for (const RegionIndex target : plan.targets()) {
    FAULTLINE_CHECK(heap_->unsettled[target] == 0 && unbuilt_pages_[target] == 0, "(L1) every target page is built", target);
  }
  heap_->handshake.SetLoadBarrier(false);
  raised_ = false;
}

void LoadBarrierPhase::NoteBuilt(PageIndex page) {
  const RegionIndex region = RegionOfPage(page);
  if (heap_->tables.frozen[region].state != RegionState::kTarget) return;
  std::atomic_ref<uint32_t> unbuilt(unbuilt_pages_[region]);
  // acq_rel: the last builder synchronizes with all others, so their pages are visible before it declares the region settled.
  if (unbuilt.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    __atomic_store_n(&heap_->unsettled[region], uint8_t{0}, __ATOMIC_RELEASE);  // Partner: LoadReference.
  }
}

void LoadBarrierPhase::BuildAllOf(WordIndex object, Counter* builder) {
  const auto ensure = [&](PageIndex page) {
    if (pages_->PageNeedsBuilding(page)) pages_->EnsureBuilt(page, builder);
  };
  const PageIndex first = PageOf(object);
  ensure(first);
  const PageIndex last = PageOf(object + static_cast<uint32_t>(heap_->WordsOf(object) - 1));
  for (PageIndex page = first + 1; page <= last; ++page) ensure(page);
}

uint32_t LoadBarrierPhase::Settle(Mutator& mutator, uint32_t* slot, uint32_t value) {
  const uint64_t begin = NowNs();
  const uint64_t built_before = Read(heap_->statistics.pages_by_mutators);
  const WordIndex object = Forwarding(heap_->tables).NewAddress(WordIndex(value));
  DelayAt(DelayPoint::kClaimed);
  if (heap_->tables.frozen[RegionOf(object)].state == RegionState::kTarget) {
    BuildAllOf(object, &heap_->statistics.pages_by_mutators);
  }
  // (L2) A store made in between survives; this load came before it.
  uint32_t expected = value;
  if (object != value) __atomic_compare_exchange_n(slot, &expected, object, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  const uint64_t end = NowNs();
  Add(heap_->statistics.settled_loads, 1);
  if (Read(heap_->statistics.pages_by_mutators) != built_before) {
    heap_->statistics.fault_service.Record(end - begin);
    mutator.timeline.AddCollectorTime(begin, end, Interruption::kFault);
  }
  return object;
}

}  // namespace faultline
