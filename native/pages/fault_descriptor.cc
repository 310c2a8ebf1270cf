#include "pages/fault_descriptor.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <mutex>

#include "os/clock.h"
#include "os/page_size.h"
#include "os/refusals.h"
#include "os/threads.h"

namespace faultline {

namespace {

constexpr size_t kMessages = 64;
// How long a signal may take that is on its way.
constexpr uint64_t kAwaitNs = 50 * kNsPerMs;
constexpr uint64_t kMostAwaitNs = 2000 * kNsPerMs;

[[noreturn]] void TouchedByItsServer(uint32_t thread, uintptr_t address) {
  char text[320];
  const int length =
      snprintf(text, sizeof(text),
               "faultline: ERR_PAGE_NOT_LOADED: thread %u answers the faults of a userfaultfd, and has touched the page at 0x%zx "
               "before it was there. Nobody is left to answer, so the process ends. Let another thread touch it, or fill the "
               "page first; mapping.bytes() tells whether it is there.\n",
               thread, static_cast<size_t>(address));
  (void)!write(STDERR_FILENO, text, static_cast<size_t>(length));
  abort();
}

// A thread whose page was poisoned, and how often it had run before.
struct Doomed {
  uint32_t thread;
  uint64_t times_run;
};

// A thread that was woken to find its page poisoned gets its signal only when it runs.  Until then its page must stay poisoned: the caller
// may be about to put other memory in its place, which the thread would read.  A system call that waited goes on with EFAULT instead.
void AwaitSignals(const std::vector<Doomed>& doomed) {
  if (doomed.empty()) return;
  const uint64_t limit = NowNs() + kMostAwaitNs;
  const timespec moment = {0, static_cast<long>(kNsPerMs)};
  for (const auto& [thread, times_run] : doomed) {
    while (TimesRun(thread) == times_run && NowNs() < limit) nanosleep(&moment, nullptr);
  }
  const timespec rest = {0, static_cast<long>(kAwaitNs)};
  nanosleep(&rest, nullptr);
}

bool IsFork(const abi::Message& message) { return message.event == abi::kEventFork; }
bool IsPageFault(const abi::Message& message) { return message.event == abi::kEventPageFault; }
int ChildOf(const abi::Message& fork) { return static_cast<int>(static_cast<uint32_t>(fork.flags)); }

}  // namespace

FaultDescriptor::~FaultDescriptor() {
  while (!events_.empty()) {
    const abi::Message message = events_.Pop();
    if (IsFork(message)) close(ChildOf(message));
  }
  close(fd_);
}

Result<UserfaultfdOffer> FaultDescriptor::Handshake(uint64_t api, uint64_t features, bool has_events) {
  if (const int refused = Refused(SystemCall::kUserfaultfdApi)) return SysError{refused, "ioctl(UFFDIO_API)"};
  has_events_.store(has_events, std::memory_order_relaxed);
  return ShakeHands(fd_, api, features);
}

Result<uint64_t> FaultDescriptor::Register(const Range& range, uint64_t modes) {
  if (const int refused = Refused(SystemCall::kRegister)) return SysError{refused, "ioctl(UFFDIO_REGISTER)"};
  // Before the kernel knows it, because a fault may come at once.
  Adopt(range);
  Result<uint64_t> ioctls = RegisterRange(fd_, range.start, range.bytes, modes);
  if (!ioctls.ok()) {
    const LockGuard guard(lock_);
    ranges_.pop_back();
  }
  return ioctls;
}

void FaultDescriptor::Adopt(const Range& range) {
  const LockGuard guard(lock_);
  ranges_.push_back(range);
}

Status FaultDescriptor::Unregister(const Range& range, Waited waited) {
  if (waited == Waited::kPoison) {
    if (Status status = PoisonWaited(range); !status.ok()) return status;
  }
  Status status = UnregisterRange(fd_, range.start, range.bytes);
  // UNREGISTER wakes only threads that wait for a missing page.
  if (Status woken = WakeRange(fd_, range.start, range.bytes); status.ok()) status = woken;
  Forget(range.start, range.bytes);
  const LockGuard guard(lock_);
  const auto is_it = [&range](const Range& one) { return one.start == range.start && one.bytes == range.bytes; };
  std::erase_if(ranges_, is_it);
  return status;
}

Status FaultDescriptor::UnregisterAll(Waited waited) {
  for (;;) {
    Range range;
    {
      const LockGuard guard(lock_);
      if (ranges_.empty()) return {};
      range = ranges_.back();
    }
    Status status = Unregister(range, waited);
    // ENOMEM: the process of the range has ended.  Other refusals leave a range that somebody else has unmapped.
    if (!status.ok() && status.error().call == NameOf(FillCall::kPoison)) return status;
  }
}

Status FaultDescriptor::PoisonWaited(const Range& range) {
  // If the program has not taken a thousand messages, those that do not fit stay unread, and their threads are released.
  ReadMessages();
  std::vector<Doomed> doomed;
  for (const auto& [thread, page] : WaitersIn(range)) {
    const Doomed waiter{thread, TimesRun(thread)};
    // EEXIST: the page is there, and its thread waits to write to it, or waits no more; or another thread has waited for the same page, and
    // it is poisoned.  ENOENT, ESRCH: the range, or its process, has gone.
    const FillAnswer answer = CallFill(fd_, {FillCall::kPoison, page, range.page_bytes, 0, 0});
    if (answer.error == EINVAL || answer.error == ENOTTY) return SysError{answer.error, NameOf(FillCall::kPoison)};
    if (answer.error == 0) doomed.push_back(waiter);
  }
  AwaitSignals(doomed);
  return {};
}

std::vector<FaultDescriptor::Waiter> FaultDescriptor::WaitersIn(const Range& range) {
  std::vector<Waiter> found;
  found.reserve(kMostWaiters);
  const LockGuard guard(lock_);
  std::ranges::copy_if(waiters_, std::back_inserter(found), [&range](const Waiter& one) { return one.page - range.start < range.bytes; });
  return found;
}

FillAnswer FaultDescriptor::Fill(const FillRequest& request, size_t page_bytes, bool wakes) {
  const FillAnswer answer = FillHoldingMessages(request);
  if (!wakes) return answer;
  Forget(request.to, answer.bytes);
  // That the page is there already has not woken who waits for it.
  if (answer.error == EEXIST) (void)Wake(request.to + answer.bytes, page_bytes).ok();
  return answer;
}

FillAnswer FaultDescriptor::FillHoldingMessages(const FillRequest& request) {
  std::unique_lock reading(reading_, std::defer_lock);
  if (has_events_.load(std::memory_order_relaxed)) {
    reading.lock();
    const LockGuard guard(lock_);
    if (!events_.empty()) return {0, EAGAIN};
  }
  FillRequest rest = request;
  size_t done = 0;
  for (;;) {
    const FillAnswer answer = CallFill(fd_, rest);
    done += answer.bytes;
    if (done == request.bytes) return {done, 0};
    const bool may_go_on = answer.error == EINTR || (answer.error == EAGAIN && answer.bytes > 0);
    if (!may_go_on) return {done, answer.error};
    rest.to = request.to + done;
    rest.from = request.from + done;
    rest.bytes = request.bytes - done;
  }
}

Status FaultDescriptor::Wake(uintptr_t start, size_t bytes) {
  Forget(start, bytes);
  return WakeRange(fd_, start, bytes);
}

bool FaultDescriptor::ReadMessages() {
  const std::lock_guard reading(reading_);
  while (queued() + kMessages <= kMostQueued) {
    abi::Message messages[kMessages];
    const Result<size_t> got = ReadUserfaultMessages(fd_, messages, kMessages);
    if (!got.ok() && got.error().error_number == EINTR) continue;
    if (!got.ok() || got.value() == 0) return true;
    const LockGuard guard(lock_);
    for (size_t i = 0; i < got.value(); ++i) Note(messages[i]);
  }
  return false;
}

void FaultDescriptor::Note(const abi::Message& message) {
  if (!IsPageFault(message)) {
    events_.Push(message);
    return;
  }
  faults_.Push(message);
  const auto thread = static_cast<uint32_t>(message.thread);
  if (thread != 0 && thread == server_.load(std::memory_order_relaxed)) TouchedByItsServer(thread, message.address);
  const uintptr_t page = message.address & ~(PageBytesAt(message.address) - 1);
  const auto known = std::ranges::find_if(waiters_, [thread](const Waiter& one) { return one.thread == thread; });
  if (known == waiters_.end()) {
    waiters_.push_back({thread, page});
  } else {
    known->page = page;
  }
}

bool FaultDescriptor::TakeMessage(abi::Message* into) {
  const LockGuard guard(lock_);
  Queue& queue = events_.empty() ? faults_ : events_;
  if (queue.empty()) return false;
  *into = queue.Pop();
  return true;
}

size_t FaultDescriptor::queued() {
  const LockGuard guard(lock_);
  return events_.count() + faults_.count();
}

bool FaultDescriptor::IsWaitedFor() const {
  const Result<WaitingThreads> waiting = ReadWaitingThreads(fd_);
  return waiting.ok() && waiting.value().all > 0;
}

void FaultDescriptor::Forget(uintptr_t start, size_t bytes) {
  const LockGuard guard(lock_);
  // Erases in place: the table keeps its memory.
  std::erase_if(waiters_, [start, bytes](const Waiter& one) { return one.page - start < bytes; });
}

size_t FaultDescriptor::PageBytesAt(uintptr_t address) const {
  for (const Range& range : ranges_) {
    if (address - range.start < range.bytes) return range.page_bytes;
  }
  return kPageSize;
}

}  // namespace faultline
