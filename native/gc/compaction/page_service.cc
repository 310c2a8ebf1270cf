#include "gc/compaction/page_service.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>

#include "gc/compaction/copied_targets.h"
#include "gc/compaction/load_barrier_phase.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"
#include "os/lock.h"

namespace faultline {

namespace {

// How often a thread may fault at one address while nothing is armed before we conclude that the fault is not ours (the system has no page
// to give, for example).
constexpr uint32_t kUnarmedRetries = 100'000;

struct UnarmedFault {
  uintptr_t address = 0;
  uint32_t times = 0;
};
__attribute__((tls_model("initial-exec"))) thread_local UnarmedFault unarmed_fault;

}  // namespace

PageService::PageService(Heap* heap, const Options& options)
    : heap_(heap),
      options_(options),
      released_sources_(heap),
      taken_away_(heap),
      page_builder_(heap, &released_sources_,
                    TraitsOf(options.fault_mode).barriered_loads ? PageBuilder::Slots::kShared : PageBuilder::Slots::kOurs),
      fault_mode_(MakeFaultMode(options.fault_mode, this)) {
  if (TraitsOf(options.fault_mode).barriered_loads) load_barrier_ = std::make_unique<LoadBarrierPhase>(heap, this);
  if (TraitsOf(options.fault_mode).copies) copied_targets_ = std::make_unique<CopiedTargets>(heap, &page_builder_, fault_mode_.get());
}

PageService::~PageService() = default;

Status PageService::Open() {
  if (Status status = released_sources_.Open(); !status.ok()) return status;
  if (Status status = taken_away_.Open(); !status.ok()) return status;
  if (load_barrier_ != nullptr) {
    if (Status status = load_barrier_->Open(); !status.ok()) return status;
  }
  if (copied_targets_ != nullptr) {
    if (Status status = copied_targets_->Open(); !status.ok()) return status;
  }
  return fault_mode_->Open();
}

void PageService::Close() { fault_mode_->Close(); }

void PageService::NextCycle() {
  if (++cycle_ == PageStates::kCycleLimit) {
    heap_->tables.page_states.Reset();
    cycle_ = 1;
  }
}

void PageService::Arm() {
  // Null leads to the heap's first page, which holds nothing: it is shown when touched, and reads as zeros in every phase.
  heap_->tables.page_states.HandOut(PageOf(kNull), cycle_);
  gate_.Open();
  armed_.store(true, std::memory_order_release);
}

bool PageService::Disarm(uint64_t deadline_ns) {
  if (!armed()) return true;
  if (!gate_.TryClose(deadline_ns)) return false;
  DelayAt(DelayPoint::kBeforeDisarm);
  fault_mode_->Disarm();
  armed_.store(false, std::memory_order_release);
  return true;
}

bool PageService::PageIsComplete(PageIndex page) const {
  return !PageNeedsBuilding(page) || heap_->tables.page_states.Load(page, cycle_) >= PageState::kBuilt;
}

bool PageService::TryBuild(PageIndex page, Counter* builder) {
  FAULTLINE_CHECK(!IsLeft(page), "(Y) no page is built that the flip has left in the view", page);
  const Treatment treatment = page_builder_.TreatmentOf(page);
  if (copies_ && treatment == Treatment::kTarget) return copied_targets_->Build(page, 1, cycle_, builder, page);
  PageStates& states = heap_->tables.page_states;
  if (!states.TryClaim(page, cycle_)) return false;
  DelayAt(DelayPoint::kClaimed);
  if (treatment != Treatment::kUnchanged) page_builder_.Build(page);
  DelayAt(DelayPoint::kBuilt);
  states.Publish(page, cycle_);
  if (load_barrier_ != nullptr && load_barrier_->raised()) load_barrier_->NoteBuilt(page);
  Add(treatment == Treatment::kUnchanged ? heap_->statistics.unchanged_pages : *builder, 1);
  if (treatment != Treatment::kTarget && treatment != Treatment::kUnchanged) Add(heap_->statistics.in_place_pages, 1);
  return true;
}

void PageService::EnsureBuilt(PageIndex page, Counter* builder) {
  PageStates& states = heap_->tables.page_states;
  if (TryBuild(page, builder) || states.Load(page, cycle_) >= PageState::kBuilt) return;
  const uint64_t begin = NowNs();
  states.AwaitBuilt(page, cycle_);
  heap_->statistics.page_waits.Record(NowNs() - begin);
}

void PageService::BuildRange(PageIndex first, uint32_t count, Counter* builder, PageIndex wanted) {
  PageStates& states = heap_->tables.page_states;
  const PageIndex end = first + count;
  if (copies_) copied_targets_->Build(first, count, cycle_, builder, wanted);
  for (PageIndex page = first; page < end; ++page) {
    if (PageNeedsBuilding(page)) TryBuild(page, builder);
  }
  DelayAt(DelayPoint::kBeforeShow);
  // Runs of pages that are built but not mapped.  A page that another thread is building is shown by that thread.  `wanted` is shown even
  // if it is noted as mapped: it may have been shown before its thread faulted, and the kernel has dropped the entry since.
  const auto is_to_show = [&](PageIndex page) {
    const PageState state = states.Load(page, cycle_);
    return state == PageState::kBuilt || (page == wanted && state == PageState::kMapped);
  };
  for (PageIndex run = first; run < end;) {
    if (!is_to_show(run)) {
      ++run;
      continue;
    }
    PageIndex run_end = run + 1;
    while (run_end < end && is_to_show(run_end)) ++run_end;
    // Null leads to page 0, which holds nothing.  A source stops being one after its last reader, and the thread that is given its pages
    // has seen that before it changes the pages' states (release, partner: the load above).
    FAULTLINE_CHECK(run == PageOf(kNull) || heap_->regions.use(RegionOfPage(run)).state != RegionState::kSource,
                    "(C) no page of a source is shown", run);
    FAULTLINE_CHECK(!IsLeft(run) && !IsLeft(run_end - 1), "(Y) no page is shown that the flip has left in the view", run);
    fault_mode_->Show(run, run_end - run);
    DelayAt(DelayPoint::kShown);
    for (PageIndex page = run; page < run_end; ++page) states.NoteMapped(page, cycle_);
    run = run_end;
  }
}

bool PageService::RecycleSources() {
  if (load_barrier_ != nullptr && load_barrier_->raised()) return false;  // (L3)
  if (!released_sources_.Free()) return false;
  heap_->TellMemoryMayBeFree();
  return true;
}

uint32_t PageService::FaultAroundPages(Mutator* mutator, PageIndex page) {
  if (options_.fault_around_pages != kAdaptive) return options_.fault_around_pages;
  return mutator == nullptr ? FaultAround::kFirstPages : mutator->fault_around.WindowFor(page);
}

bool PageService::ServeFault(uintptr_t address, Mutator* mutator) {
  FAULTLINE_CHECK(!PageBuilder::ThisThreadBuilds(), "(K) who builds a page touches nothing that faults", address);
  FAULTLINE_CHECK(Lock::HeldByThisThread() == 0, "(K) who holds a lock touches nothing that faults", address);
  const uint64_t begin = NowNs();
  const uintptr_t offset = address - reinterpret_cast<uintptr_t>(heap_->views.mutator_view());
  if (offset >= heap_->bytes()) {
    Say("touched memory beyond the end of the heap", address, "An index was computed from something that is not a reference.");
    return false;
  }
  const PageIndex page = PageIndex(offset / kPageBytes);
  if (!gate_.Enter()) {
    if (fault_mode_->SendBack(page)) return true;
    // The cycle is over or about to be.  Every page has been claimed, but threads that were inside when the gate closed may still be
    // building theirs.  Show the page in case the view is still armed; if the fault keeps coming back although nothing is armed, it is not
    // ours.
    if (armed()) {
      heap_->tables.page_states.AwaitBuilt(page, cycle_);
      if (PageIsComplete(page)) fault_mode_->Show(page, 1);
      return true;
    }
    return ServeUnarmed(address);
  }
  if (IsLeft(page)) {
    gate_.Leave();
    // Only the message of an earlier cycle comes here for a page that is ordinary memory in this one.
    return fault_mode_->SendBack(page) || ServeUnarmed(address);
  }
  DelayAt(DelayPoint::kGateEntered);
  unarmed_fault.times = 0;
  const PageState state = heap_->tables.page_states.Load(page, cycle_);
  DelayAt(DelayPoint::kFaultRead);
  const uint32_t unit = fault_mode_->unit_pages();
  bool served = true;
  if (unit == 1 && !PageNeedsBuilding(page) && state != PageState::kMapped) {
    served = fault_mode_->AskAgain(page, cycle_);
    if (!served) SayStale(page, address);
  } else {
    Counter* const builder = &heap_->statistics.pages_by_mutators;
    const uint32_t around = std::max(FaultAroundPages(mutator, page), unit);
    const PageIndex around_first = FirstOfUnit(page, around);
    const PageIndex around_end = std::min(around_first + around, heap_->end_page());
    // Where target pages are copied, one call does it for the page and its neighbours.
    const bool shown = copies_ && copied_targets_->Build(around_first, around_end - around_first, cycle_, builder, page);
    // The pages that have to be shown together with this one are built first, waiting for other builders where necessary.
    const PageIndex unit_first = FirstOfUnit(page, unit);
    const PageIndex unit_end = std::min(unit_first + unit, heap_->end_page());
    for (PageIndex each = unit_first; each < unit_end; ++each) {
      if (PageNeedsBuilding(each)) EnsureBuilt(each, builder);
    }
    // Then its neighbours, unless another thread has claimed them.  This also shows the page itself, on which a thread may sleep: a page
    // that was `mapped` already has lost its entry, or was handed out fresh by the allocator.
    BuildRange(around_first, around_end - around_first, builder, shown ? kNoPage : page);
    if (unit > 1) fault_mode_->Show(unit_first, unit_end - unit_first);
  }
  gate_.Leave();
  const uint64_t delivery = delivery_ns_.load(std::memory_order_relaxed);
  const uint64_t end = NowNs();
  heap_->statistics.fault_service.Record(end - begin + delivery);
  if (mutator != nullptr) mutator->timeline.AddCollectorTime(begin - delivery, end, Interruption::kFault);
  return served;
}

bool PageService::ServeUnarmed(uintptr_t address) {
  if (unarmed_fault.address != address) unarmed_fault = {address, 0};
  if (++unarmed_fault.times < kUnarmedRetries) return true;
  Say("cannot get a page of the heap file", address, "The system is out of memory, or a container's limit is reached.");
  return false;
}

void PageService::SayStale(PageIndex page, uintptr_t address) {
  Say(heap_->tables.moving[RegionOfPage(page)] != 0 ? "ERR_STALE_REFERENCE: touched the place of an object that has moved"
                                                    : "ERR_STALE_REFERENCE: touched a page on which nothing is allocated",
      address, "A reference was kept across a safepoint; keep a handle instead.");
}

void PageService::Say(const char* what, uintptr_t address, const char* remedy) {
  const uintptr_t word = (address - reinterpret_cast<uintptr_t>(heap_->views.mutator_view())) / kWordBytes;
  char text[384];
  const int length = snprintf(text, sizeof text, "faultline: %s (a thread, at word %llu, region %llu). %s\n", what,
                              static_cast<unsigned long long>(word), static_cast<unsigned long long>(word / kRegionWords), remedy);
  if (length > 0) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::min(static_cast<size_t>(length), sizeof text - 1));
  }
}

void PageService::PublishFresh(PageIndex first, uint32_t count) {
  PageStates& states = heap_->tables.page_states;
  const uint32_t unit = fault_mode_->unit_pages();
  for (PageIndex page = first; page < first + count; ++page) states.HandOut(page, cycle_);
  if (unit == 1) {
    fault_mode_->Show(first, count);
    return;
  }
  // Neighbours are shown together with these pages, so they have to be built.
  const PageIndex unit_first = FirstOfUnit(first, unit);
  const PageIndex unit_end = std::min(NextUnit(first + count, unit), heap_->end_page());
  if (gate_.Enter()) {
    for (PageIndex page = unit_first; page < unit_end; ++page) {
      if (PageNeedsBuilding(page)) EnsureBuilt(page, &heap_->statistics.pages_by_mutators);
    }
    gate_.Leave();
  }
  fault_mode_->Show(unit_first, unit_end - unit_first);
}

void PageService::AnnounceFresh(PageIndex first, uint32_t count) {
  PageStates& states = heap_->tables.page_states;
  for (PageIndex page = first; page < first + count; ++page) {
    // An object that was pending at the flip is on the workers' list too; either of the two may claim the page.
    if (IsLeft(page) || !states.TryClaim(page, cycle_)) continue;
    states.Publish(page, cycle_);
    states.NoteMapped(page, cycle_);
  }
}

}  // namespace faultline
