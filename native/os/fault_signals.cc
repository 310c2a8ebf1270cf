#include "os/fault_signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>

namespace faultline {

namespace {

// A range is readable by handlers while `start` is not 0.  Writers fill the other fields first and store `start` with
// release; handlers load it with acquire.  Removal stores 0; a heap is closed only when no thread can touch its view.
struct Range {
  std::atomic<uintptr_t> start{0};
  std::atomic<size_t> bytes{0};
  std::atomic<FaultFunction> serve{nullptr};
  std::atomic<void*> context{nullptr};
};

Range ranges[kMaxFaultRanges];
std::atomic<int> range_limit{0};  // Highest slot ever used + 1; grows only.  Release/acquire with the handler.

std::mutex& WriterLock() {
  static std::mutex* lock = new std::mutex;  // Never destroyed: threads may outlive static destructors.
  return *lock;
}

// Who was there before us.  Replaced as a whole under WriterLock, read by handlers through the pointer (acquire); old
// copies are leaked on purpose, since a handler may still be reading one.
struct Previous {
  struct sigaction action;
};
std::atomic<Previous*> previous[2];

// Set while this thread runs the previous handler: if that one chains back to us, the circle ends here.  The
// initial-exec model keeps the access free of allocation inside a handler.
__attribute__((tls_model("initial-exec"))) thread_local bool in_previous = false;

int NumberOf(FaultSignal signal) { return signal == FaultSignal::kBus ? SIGBUS : SIGSEGV; }
int IndexOf(int number) { return number == SIGBUS ? 0 : 1; }

void CallPrevious(int number, siginfo_t* info, void* ucontext) {
  const Previous* before =
      in_previous ? nullptr : previous[IndexOf(number)].load(std::memory_order_acquire);
  if (before != nullptr && (before->action.sa_flags & SA_SIGINFO) != 0 && before->action.sa_sigaction != nullptr) {
    in_previous = true;
    before->action.sa_sigaction(number, info, ucontext);
    in_previous = false;
    return;
  }
  const bool sent = info->si_code <= 0;  // By kill() or the like: no instruction would raise it again.
  if (before != nullptr && before->action.sa_handler == SIG_IGN && sent) return;
  if (before != nullptr && before->action.sa_handler != SIG_DFL && before->action.sa_handler != SIG_IGN) {
    in_previous = true;
    before->action.sa_handler(number);
    in_previous = false;
    return;
  }
  // Nobody else: the default action, taken by repeating the instruction, or by the signal itself when we return.
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(number, &standard, nullptr);
  if (sent) raise(number);
}

void Handle(int number, siginfo_t* info, void* ucontext) {
  const int saved_errno = errno;
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  bool served = false;
  // si_code > 0: raised by the kernel for an access, not sent by kill().
  if (info->si_code > 0) {
    const int limit = range_limit.load(std::memory_order_acquire);
    for (int i = 0; i < limit; ++i) {
      const uintptr_t start = ranges[i].start.load(std::memory_order_acquire);
      if (start == 0 || address < start) continue;
      // Relaxed: ordered behind the acquire load of `start`.
      if (address - start >= ranges[i].bytes.load(std::memory_order_relaxed)) continue;
      const FaultFunction serve = ranges[i].serve.load(std::memory_order_relaxed);
      served = serve(ranges[i].context.load(std::memory_order_relaxed), address);
      break;
    }
  }
  if (!served) CallPrevious(number, info, ucontext);
  errno = saved_errno;
}

}  // namespace

int AddFaultRange(void* start, size_t bytes, FaultFunction serve, void* context) {
  const std::lock_guard<std::mutex> guard(WriterLock());
  for (int i = 0; i < kMaxFaultRanges; ++i) {
    if (ranges[i].start.load(std::memory_order_relaxed) != 0) continue;
    ranges[i].bytes.store(bytes, std::memory_order_relaxed);
    ranges[i].serve.store(serve, std::memory_order_relaxed);
    ranges[i].context.store(context, std::memory_order_relaxed);
    ranges[i].start.store(reinterpret_cast<uintptr_t>(start), std::memory_order_release);
    if (i >= range_limit.load(std::memory_order_relaxed)) range_limit.store(i + 1, std::memory_order_release);
    return i;
  }
  return -1;
}

void RemoveFaultRange(int slot) {
  const std::lock_guard<std::mutex> guard(WriterLock());
  ranges[slot].start.store(0, std::memory_order_release);
}

Status EnsureFaultHandler(FaultSignal signal) {
  const int number = NumberOf(signal);
  struct sigaction current;
  if (sigaction(number, nullptr, &current) != 0) return SysError{errno, "sigaction"};
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == Handle) return {};

  const std::lock_guard<std::mutex> guard(WriterLock());
  if (sigaction(number, nullptr, &current) != 0) return SysError{errno, "sigaction"};
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == Handle) return {};
  previous[IndexOf(number)].store(new Previous{current}, std::memory_order_release);
  struct sigaction ours = {};
  ours.sa_sigaction = Handle;
  // No SA_NODEFER: building a page touches nothing that could fault (invariant K), so a nested signal is a bug.
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&ours.sa_mask);
  if (sigaction(number, &ours, nullptr) != 0) return SysError{errno, "sigaction"};
  return {};
}

bool ThreadBlocks(FaultSignal signal) {
  sigset_t blocked;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &blocked) != 0) return false;
  return sigismember(&blocked, NumberOf(signal)) == 1;
}

}  // namespace faultline
