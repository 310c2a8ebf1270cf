#include "os/fault_signals.h"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <utility>

#include "os/chained_action.h"
#include "os/delays.h"
#include "os/fault_ranges.h"
#include "os/lock.h"

namespace faultline {

namespace {

// Our handlers for each signal.  If a program puts more than this many different actions in front of ours, they share the last one.
constexpr int kHandlers = 16;

// The action behind each handler.  Written under InstallLock before the handler is installed, read by handlers.
ChainedAction chained[2][kHandlers];

Lock& InstallLock() {
  static Lock* lock = new Lock;  // Never destroyed: threads may outlive static destructors.
  return *lock;
}

int NumberOf(FaultSignal signal) { return signal == FaultSignal::kBus ? SIGBUS : SIGSEGV; }
int IndexOf(int number) { return number == SIGBUS ? 0 : 1; }

template <int kIndex>
void Handle(int number, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // Above 0: raised by the kernel for an access, not sent by kill().
  const bool served = info->si_code > 0 && ServeInRange(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (!served) chained[IndexOf(number)][kIndex].Take(Handle<kIndex>, number, info, context, __builtin_frame_address(0));
}

template <int... kIndex>
constexpr std::array<SignalHandler, sizeof...(kIndex)> HandlersOf(std::integer_sequence<int, kIndex...>) {
  return {Handle<kIndex>...};
}
constexpr std::array<SignalHandler, kHandlers> kOurs = HandlersOf(std::make_integer_sequence<int, kHandlers>());

bool IsOurs(const struct sigaction& action) {
  if ((action.sa_flags & SA_SIGINFO) == 0) return false;
  for (const SignalHandler handler : kOurs) {
    if (action.sa_sigaction == handler) return true;
  }
  return false;
}

// Our action to install in front of `action`: the one that was in front of it before, if any, so that a program that switches back and
// forth uses up no more of them.  The caller holds the lock.
struct sigaction OursBefore(int number, const struct sigaction& action) {
  int index = 0;
  while (index < kHandlers - 1 && !chained[IndexOf(number)][index].IsFreeOr(action)) ++index;
  chained[IndexOf(number)][index].Set(action);
  struct sigaction ours = {};
  ours.sa_sigaction = kOurs[static_cast<size_t>(index)];
  // No SA_NODEFER: building a page touches nothing that could fault (invariant K), so a nested signal is a bug.  The signals that the other
  // action blocks are blocked from the start, and system calls are restarted only if it restarts them.
  const bool handled = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (handled ? action.sa_flags & SA_RESTART : SA_RESTART);
  if (handled) {
    ours.sa_mask = action.sa_mask;
  } else {
    sigemptyset(&ours.sa_mask);
  }
  return ours;
}

}  // namespace

Status EnsureFaultHandler(FaultSignal signal) {
  const int number = NumberOf(signal);
  struct sigaction current;
  if (sigaction(number, nullptr, &current) != 0) return SysError{errno, "sigaction"};
  if (IsOurs(current)) return {};

  const LockGuard guard(InstallLock());
  struct sigaction before;
  if (sigaction(number, nullptr, &before) != 0) return SysError{errno, "sigaction"};
  if (IsOurs(before)) return {};
  struct sigaction ours = OursBefore(number, before);
  // The program may change the action after we have read it and before we change it: what counts is the action that was replaced.
  for (;;) {
    DelayAt(DelayPoint::kActionReplaced);
    struct sigaction replaced;
    if (sigaction(number, &ours, &replaced) != 0) return SysError{errno, "sigaction"};
    if (SameAction(replaced, before)) return {};
    before = ours;
    ours = IsOurs(replaced) ? replaced : OursBefore(number, replaced);
  }
}

bool ThreadBlocks(FaultSignal signal) {
  sigset_t blocked;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &blocked) != 0) return false;
  return sigismember(&blocked, NumberOf(signal)) == 1;
}

}  // namespace faultline
