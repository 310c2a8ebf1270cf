#include "pages/fault_descriptor.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
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
  for (const abi::Message& message : events_) {
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
  ReadMessages(SIZE_MAX);
  std::vector<Doomed> doomed;
  for (uintptr_t from = range.start;;) {
    uintptr_t page = 0;
    {
      const LockGuard guard(lock_);
      const auto at = waited_for_.lower_bound(from);
      if (at == waited_for_.end() || at->first >= range.end()) break;
      page = at->first;
    }
    std::vector<Doomed> waiting;
    for (const uint32_t thread : ThreadsWaitingFor(page)) waiting.push_back({thread, TimesRun(thread)});
    // EEXIST: the page is there, and its thread waits to write to it, or waits no more.  ENOENT, ESRCH: the range, or its process, has
    // gone.
    const FillAnswer answer = CallFill(fd_, {FillCall::kPoison, page, range.page_bytes, 0, 0});
    if (answer.error == EINVAL || answer.error == ENOTTY) return SysError{answer.error, NameOf(FillCall::kPoison)};
    if (answer.error == 0) doomed.insert(doomed.end(), waiting.begin(), waiting.end());
    from = page + range.page_bytes;
  }
  AwaitSignals(doomed);
  return {};
}

std::vector<uint32_t> FaultDescriptor::ThreadsWaitingFor(uintptr_t page) {
  const LockGuard guard(lock_);
  std::vector<uint32_t> threads;
  for (auto [at, end] = waited_for_.equal_range(page); at != end; ++at) threads.push_back(at->second);
  return threads;
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

bool FaultDescriptor::ReadMessages() { return ReadMessages(kMostQueued); }

bool FaultDescriptor::ReadMessages(size_t most) {
  const std::lock_guard reading(reading_);
  while (queued() < most) {
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
    events_.push_back(message);
    return;
  }
  faults_.push_back(message);
  const auto thread = static_cast<uint32_t>(message.thread);
  if (thread != 0 && thread == server_.load(std::memory_order_relaxed)) TouchedByItsServer(thread, message.address);
  // A thread that waits to write to a page that is there can go on when the range ends, so nothing has to be remembered.
  if ((message.flags & abi::kFaultOnWriteProtected) != 0) return;
  waited_for_.emplace(message.address & ~(PageBytesAt(message.address) - 1), thread);
}

bool FaultDescriptor::TakeMessage(abi::Message* into) {
  const LockGuard guard(lock_);
  std::deque<abi::Message>& queue = events_.empty() ? faults_ : events_;
  if (queue.empty()) return false;
  *into = queue.front();
  queue.pop_front();
  return true;
}

size_t FaultDescriptor::queued() {
  const LockGuard guard(lock_);
  return events_.size() + faults_.size();
}

bool FaultDescriptor::IsWaitedFor() const {
  const Result<WaitingThreads> waiting = ReadWaitingThreads(fd_);
  return waiting.ok() && waiting.value().all > 0;
}

void FaultDescriptor::Forget(uintptr_t start, size_t bytes) {
  const LockGuard guard(lock_);
  waited_for_.erase(waited_for_.lower_bound(start), waited_for_.lower_bound(start + bytes));
}

size_t FaultDescriptor::PageBytesAt(uintptr_t address) const {
  for (const Range& range : ranges_) {
    if (address - range.start < range.bytes) return range.page_bytes;
  }
  return kPageSize;
}

}  // namespace faultline
