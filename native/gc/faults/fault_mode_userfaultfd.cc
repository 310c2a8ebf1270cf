#include "gc/faults/fault_mode_userfaultfd.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "gc/compaction/page_service.h"
#include "os/anonymous_memory.h"
#include "os/bystander.h"
#include "os/delays.h"
#include "os/invariant.h"
#include "os/page_presence.h"

namespace faultline {

namespace {

constexpr size_t kMessages = 16;

// How many messages about one page may be out of date: those of one batch, read before a cycle ended and handled in the next one (the
// thread may be off the CPU for that long).  A real touch comes back until this many were sent back.
constexpr uint32_t kMostRepeats = 2 * kMessages;

void CheckThatNothingIsShown(const Views& views, const ViewRange& range) {
  const Result<uint64_t> present = PresentPages(views.mutator_view() + range.begin, range.bytes());
  FAULTLINE_CHECK(!present.ok() || present.value() == 0, "(S) the flip shows no page that this cycle has not built", present.value());
}

}  // namespace

Status UserfaultfdFaultMode::Open() {
  return descriptor_.Open(TraitsOf(kind_).held_by == HeldBy::kThread ? FaultDelivery::kDescriptor : FaultDelivery::kSignal);
}

void UserfaultfdFaultMode::Close() { descriptor_.Close(); }

Status UserfaultfdFaultMode::Flip() {
  Views& views = pages_->heap().views;
  const std::span<const ViewRange> ranges = pages_->taken_away().ranges();
  // All moves come first: a registration splits the mapping, and mlockall in between would keep its parts from becoming one again.
  if (Status status = views.MoveToScratch(ranges); !status.ok()) return status;
  DelayAt(DelayPoint::kBeforeArming);
  Status status;
  for (const ViewRange& range : ranges) {
    if (status.ok()) status = descriptor_.Register(views.mutator_view() + range.begin, range.bytes());
  }
  for (const ViewRange& range : ranges) {
    // (S) Drops the pages that another process or mlockall put into V since the move.  After the registration only we fill it.
    if (status.ok()) status = views.EmptyMutatorView(range);
  }
  if (!status.ok()) {
    descriptor_.Unregister(views.mutator_view(), views.span_bytes());
    views.MoveBack();
    return status;
  }
  if (pages_->options().verify) {
    for (const ViewRange& range : ranges) CheckThatNothingIsShown(views, range);
  }
  return {};
}

void UserfaultfdFaultMode::Show(PageIndex first, uint32_t count) {
  Heap& heap = pages_->heap();
  const size_t offset = size_t{first} * kPageBytes;
  const uint32_t calls = descriptor_.Continue(heap.views.mutator_view() + offset, size_t{count} * kPageBytes, heap.views.alias() + offset);
  Add(heap.statistics.continue_calls, calls);
  Add(heap.statistics.pages_continued, count);
}

void UserfaultfdFaultMode::Fill(PageIndex first, uint32_t count, const uint8_t* contents) {
  Heap& heap = pages_->heap();
  const size_t offset = size_t{first} * kPageBytes;
  const uint32_t calls =
      descriptor_.Copy(heap.views.mutator_view() + offset, size_t{count} * kPageBytes, contents, heap.views.alias() + offset);
  Add(heap.statistics.copy_calls, calls);
  Add(heap.statistics.pages_copied, count);
}

void UserfaultfdFaultMode::Disarm() {
  Views& views = pages_->heap().views;
  descriptor_.Unregister(views.mutator_view(), views.span_bytes());
}

Status SigbusFaultMode::Open() {
  if (Status status = UserfaultfdFaultMode::Open(); !status.ok()) return status;
  return delivery_.Open();
}

void SigbusFaultMode::Close() {
  delivery_.Close();
  UserfaultfdFaultMode::Close();
}

Status SigbusFaultMode::Flip() {
  if (Status status = delivery_.EnsureHandler(); !status.ok()) return status;
  return UserfaultfdFaultMode::Flip();
}

Status ThreadFaultMode::Open() {
  if (Status status = UserfaultfdFaultMode::Open(); !status.ok()) return status;
  Result<void*> page = MapInaccessible(kPageBytes);
  if (!page.ok()) return page.error();
  wake_page_ = static_cast<uint8_t*>(page.value());
  if (Status status = descriptor_.Register(wake_page_, kPageBytes); !status.ok()) return status;

  // No signal handler of the program may run on this thread: it might touch a heap.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  ended_.store(false, std::memory_order_relaxed);
  const int error = pthread_create(&thread, nullptr, Main, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    ended_.store(true, std::memory_order_relaxed);
    return SysError{error, "pthread_create"};
  }
  pthread_setname_np(thread, "faultline-fault");
  pthread_detach(thread);
  return {};
}

void ThreadFaultMode::Close() {
  if (!ended_.load(std::memory_order_acquire)) {
    MakeAccessible(wake_page_, kPageBytes);
    // Sleeps until the thread has read this fault and unregistered the page.
    *const_cast<volatile uint8_t*>(wake_page_) = 1;
    while (!ended_.load(std::memory_order_acquire)) sched_yield();
  }
  if (wake_page_ != nullptr) Unmap(wake_page_, kPageBytes);
  wake_page_ = nullptr;
  UserfaultfdFaultMode::Close();
}

bool ThreadFaultMode::SendBack(PageIndex page) {
  descriptor_.Wake(pages_->heap().views.mutator_view() + size_t{page} * kPageBytes, kPageBytes);
  return true;
}

bool ThreadFaultMode::AskAgain(PageIndex page, uint32_t cycle) {
  if (IsBystander(served_thread_)) {
    // A bystander gets the page as it is: touching it may be a mistake for a mutator, but seeing it does no harm.
    Show(page, 1);
    return true;
  }
  if (page != suspect_page_ || cycle != suspect_cycle_) suspect_touches_ = 0;
  suspect_page_ = page;
  suspect_cycle_ = cycle;
  return ++suspect_touches_ <= kMostRepeats && SendBack(page);
}

void* ThreadFaultMode::Main(void* self) {
  static_cast<ThreadFaultMode*>(self)->Serve();
  return nullptr;
}

void ThreadFaultMode::Serve() {
  pages_->heap().statistics.fault_thread_cpu.Adopt();
  const uintptr_t wake_address = reinterpret_cast<uintptr_t>(wake_page_);
  FaultMessage messages[kMessages];
  for (bool ending = false; !ending;) {
    const size_t count = descriptor_.ReadMessages(messages, kMessages);
    for (size_t i = 0; i < count; ++i) {
      FAULTLINE_CHECK(messages[i].is_page_fault, "no events but page faults were requested");
      if ((messages[i].address & ~(kPageBytes - 1)) == wake_address) {
        ending = true;
        continue;
      }
      served_thread_ = messages[i].thread;
      ThreadDirectory& threads = pages_->heap().threads;
      threads.BeginReading();
      if (!pages_->ServeFault(messages[i].address, threads.Find(messages[i].thread))) abort();
      threads.EndReading();
    }
  }
  descriptor_.Unregister(wake_page_, kPageBytes);
  ended_.store(true, std::memory_order_release);
}

}  // namespace faultline
