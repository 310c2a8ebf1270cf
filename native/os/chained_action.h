// Chained action: the program's action for a signal, carried out by our handler in front of it exactly as the kernel would have done it.
//
//   of sigaction(2)      how it is kept
//   sa_mask, SA_RESTART  our own action has them (os/fault_signals.cc)
//   SA_NODEFER           the signal is unblocked before the handler is called
//   SA_RESETHAND         the default action is set before the handler runs, for one thread
//   SA_ONSTACK           without it the handler is called on the interrupted stack, although ours runs on the alternate one
//   SA_SIGINFO or not    as in the kernel: always all three arguments
//   SIG_IGN              a signal that was sent is dropped; a fault ends the process, since it cannot be ignored
//   SIG_DFL              the kernel's default action, with the signal's own siginfo, and a core dump of the faulting instruction
//
// A handler may return, and the instruction is repeated; leave by siglongjmp, since nothing here has to be undone; crash; or change the
// action itself.
#pragma once

#include <signal.h>

#include <atomic>

namespace faultline {

using SignalHandler = void (*)(int number, siginfo_t* info, void* context);

// Whether a program can tell no difference.
bool SameAction(const struct sigaction& one, const struct sigaction& other);

class ChainedAction {
 public:
  // One thread at a time.
  bool IsFreeOr(const struct sigaction& action) const;
  void Set(const struct sigaction& action);

  // Called by `ours`, our handler in front of this action, with its arguments and its frame.  Async-signal-safe.
  void Take(SignalHandler ours, int number, siginfo_t* info, void* context, const void* frame);

 private:
  const struct sigaction* ToCarryOut(bool by_kernel);

  // Replaced as a whole (release), read through the pointer (acquire).  Old ones are never freed, since a handler may still be reading one;
  // actions rarely change.
  std::atomic<const struct sigaction*> action_{nullptr};
};

}  // namespace faultline
