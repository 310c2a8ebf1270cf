#include "os/chained_action.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "os/threads.h"

#ifndef BUS_MCEERR_AO
#define BUS_MCEERR_AO 5
#endif

namespace faultline {

namespace {

constexpr size_t kMaskBytes = 8;       // What the kernel fills in of a sigset_t.
constexpr int kRestorer = 0x04000000;  // SA_RESTORER, which the C library adds.
constexpr uintptr_t kRedZoneBytes = 128;

const struct sigaction kDefault = {};

// A thread's last signal, and how often our handlers were called for it: if a program has put its handler in front of ours twice, the
// handlers may call each other in a circle.  A deeper frame belongs to the same delivery; one that a siglongjmp has left behind does not.
struct Delivery {
  const void* context = nullptr;
  uintptr_t frame = 0;
  uint32_t calls = 0;
};
// initial-exec: the general model may allocate on a thread's first access.
__attribute__((tls_model("initial-exec"))) thread_local Delivery delivery;
constexpr uint32_t kMostCalls = 32;

bool GoesRound(const void* context, uintptr_t frame) {
  if (delivery.context != context || frame >= delivery.frame) delivery = {context, frame, 0};
  return ++delivery.calls > kMostCalls;
}

// True if no instruction would raise it again: it was sent by kill() or the like, or reports bad memory that was not touched yet.
bool WasSent(int number, const siginfo_t* info) { return info->si_code <= 0 || (number == SIGBUS && info->si_code == BUS_MCEERR_AO); }

bool IsHandler(const struct sigaction& action) { return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN; }

// A fault is repeated when our handler returns, and the kernel finds the default action.
void TakeDefault(int number, const siginfo_t* info) {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(number, &standard, nullptr);
  // Delivered as soon as the signal is no longer blocked, with its original siginfo.
  if (WasSent(number, info)) syscall(SYS_rt_tgsigqueueinfo, getpid(), ThisThread(), number, info);
}

void Unblock(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool WasBlocked(const ucontext_t* context, int number) {
  sigset_t blocked;
  sigemptyset(&blocked);
  memcpy(&blocked, &context->uc_sigmask, kMaskBytes);
  return sigismember(&blocked, number) == 1;
}

#if defined(__x86_64__)
// Calls handler(number, info, context) with the stack pointer at `top`, a multiple of 16.  A debugger or crash reporter that walks the
// stack can follow the frame pointer back.
extern "C" void faultline_call_on_stack(int number, siginfo_t* info, void* context, SignalHandler handler, uintptr_t top);
asm(R"(
  .text
  .hidden faultline_call_on_stack
  .globl faultline_call_on_stack
  .type faultline_call_on_stack, @function
faultline_call_on_stack:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq %r8, %rsp
  call *%rcx
  movq %rbp, %rsp
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .size faultline_call_on_stack, . - faultline_call_on_stack
)");

bool Within(const stack_t& stack, uintptr_t address) { return address - reinterpret_cast<uintptr_t>(stack.ss_sp) < stack.ss_size; }

// Calls the handler on the stack that the kernel would have used.
void Call(const struct sigaction& action, int number, siginfo_t* info, ucontext_t* context, uintptr_t frame) {
  const uintptr_t interrupted = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RSP]);
  if ((action.sa_flags & SA_ONSTACK) == 0 && Within(context->uc_stack, frame) && !Within(context->uc_stack, interrupted)) {
    faultline_call_on_stack(number, info, context, action.sa_sigaction, (interrupted - kRedZoneBytes) & ~uintptr_t{15});
  } else {
    action.sa_sigaction(number, info, context);
  }
}
#else
// On other machines it runs on the alternate stack, if the thread has one.
void Call(const struct sigaction& action, int number, siginfo_t* info, ucontext_t* context, uintptr_t) {
  action.sa_sigaction(number, info, context);
}
#endif

}  // namespace

bool SameAction(const struct sigaction& one, const struct sigaction& other) {
  return one.sa_sigaction == other.sa_sigaction && ((one.sa_flags ^ other.sa_flags) & ~kRestorer) == 0 &&
         memcmp(&one.sa_mask, &other.sa_mask, kMaskBytes) == 0;
}

bool ChainedAction::IsFreeOr(const struct sigaction& action) const {
  const struct sigaction* const own = action_.load(std::memory_order_relaxed);  // Written by this thread, or under its lock.
  return own == nullptr || SameAction(*own, action);
}

void ChainedAction::Set(const struct sigaction& action) {
  if (action_.load(std::memory_order_relaxed) != nullptr && IsFreeOr(action)) return;
  action_.store(new struct sigaction(action), std::memory_order_release);  // Partner: ToCarryOut.
}

// An action that is valid for one signal is taken by one thread.
const struct sigaction* ChainedAction::ToCarryOut(bool by_kernel) {
  const struct sigaction* action = action_.load(std::memory_order_acquire);
  if (action == nullptr) return &kDefault;
  while (by_kernel && IsHandler(*action) && (action->sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    if (action_.compare_exchange_weak(action, &kDefault, std::memory_order_acq_rel, std::memory_order_acquire)) break;
  }
  return action;
}

void ChainedAction::Take(SignalHandler ours, int number, siginfo_t* info, void* argument, const void* frame_of_ours) {
  const uintptr_t frame = reinterpret_cast<uintptr_t>(frame_of_ours);
  ucontext_t* const context = static_cast<ucontext_t*>(argument);
  // A handler that was put in front of ours calls it like any function; then this too just calls the next function.
  struct sigaction installed = {};
  const bool by_kernel = sigaction(number, nullptr, &installed) == 0 && installed.sa_sigaction == ours;
  const struct sigaction* const action = GoesRound(context, frame) ? &kDefault : ToCarryOut(by_kernel);
  if (!IsHandler(*action)) {
    if (action->sa_handler == SIG_DFL || !WasSent(number, info)) TakeDefault(number, info);
    return;
  }
  if (!by_kernel) {
    action->sa_sigaction(number, info, context);
    return;
  }
  if ((action->sa_flags & SA_NODEFER) != 0 && sigismember(&action->sa_mask, number) != 1 && !WasBlocked(context, number)) Unblock(number);
  Call(*action, number, info, context, frame);
}

}  // namespace faultline
