// Chained action: what the program would do with a signal, done by our handler that stands in front of it, exactly as the kernel would have
// done it.
//
//   of sigaction(2)      how it is kept
//   sa_mask, SA_RESTART  our own action has them (os/fault_signals.cc)
//   SA_NODEFER           the signal is unblocked before the handler is called
//   SA_RESETHAND         the action is the default from before its handler runs, for one thread
//   SA_ONSTACK           without it the handler is called on the stack that was interrupted, although ours runs on the alternate one
//   SA_SIGINFO or not    as the kernel does: all three arguments, always
//   SIG_IGN              a signal that was sent is dropped; a fault ends the process, since it cannot be ignored
//   SIG_DFL              the kernel's default action, with the signal's own siginfo, and a core where the fault was
//
// A handler may return, and the instruction is repeated; leave by siglongjmp, since nothing is left behind here that would have to be
// undone; crash; or change the action itself.
#pragma once

#include <signal.h>

#include <atomic>

namespace faultline {

using SignalHandler = void (*)(int number, siginfo_t* info, void* context);

// As far as a program can tell.
bool SameAction(const struct sigaction& one, const struct sigaction& other);

class ChainedAction {
 public:
  // One thread at a time.
  bool IsFreeOr(const struct sigaction& action) const;
  void Set(const struct sigaction& action);

  // Called by `ours`, our handler in front of this action, with what it was called with and its frame.  Async-signal-safe.
  void Take(SignalHandler ours, int number, siginfo_t* info, void* context, const void* frame);

 private:
  const struct sigaction* ToCarryOut(bool by_kernel);

  // Replaced as a whole (release), read through the pointer (acquire).  Old ones are left to themselves, since a handler may still be
  // reading one; nobody changes actions often.
  std::atomic<const struct sigaction*> action_{nullptr};
};

}  // namespace faultline
