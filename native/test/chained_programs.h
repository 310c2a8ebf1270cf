// Chained programs: parts of programs that handle SIGBUS and SIGSEGV with a handler of their own, once without ours and once with it.
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <functional>

#include "child.h"
#include "os/chained_action.h"
#include "os/fault_signals.h"
#include "os/page_size.h"

namespace faultline::test {

// SIGBUS or SIGSEGV: the one that the running program is about.
inline int number = SIGSEGV;
inline bool with_ours = false;

inline void Report(const char* format, ...) {
  char text[200];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) != length) _exit(9);
}

// A heap is made, or a flip comes.
inline void Ours() {
  if (with_ours) CHILD_EXPECT(EnsureFaultHandler(number == SIGBUS ? FaultSignal::kBus : FaultSignal::kSegmentation).ok());
}

// A page whose touch raises the signal.
inline uint8_t* BadPage() {
  const int file = memfd_create("bad page", 0);
  CHILD_EXPECT(file >= 0);
  void* const page = mmap(nullptr, kPageBytes, number == SIGBUS ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_SHARED, file, 0);
  CHILD_EXPECT(page != MAP_FAILED);
  if (number == SIGSEGV) CHILD_EXPECT(ftruncate(file, kPageBytes) == 0);
  close(file);
  return static_cast<uint8_t*>(page);
}
inline void Touch(uint8_t* page) { *const_cast<volatile uint8_t*>(page + 5) = 1; }

inline void Repair(const siginfo_t* info) {
  void* const page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(kPageBytes - 1));
  CHILD_EXPECT(mmap(page, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
}

inline struct sigaction Install(SignalHandler handler, unsigned flags = 0, std::initializer_list<int> mask = {}) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = static_cast<int>(flags | SA_SIGINFO);
  sigemptyset(&action.sa_mask);
  for (const int blocked : mask) sigaddset(&action.sa_mask, blocked);
  struct sigaction before = {};
  CHILD_EXPECT(sigaction(number, &action, &before) == 0);
  return before;
}

using Program = std::function<void()>;

// Of both signals, what was said and how it ended.
inline void ExpectTheSame(const Program& program, const char* name) {
  for (const int each : {SIGBUS, SIGSEGV}) {
    number = each;
    Death deaths[2];
    for (const bool ours : {false, true}) {
      with_ours = ours;
      deaths[ours] = InChild(program);
      with_ours = false;
    }
    if (deaths[0].status == deaths[1].status && deaths[0].said == deaths[1].said) continue;
    std::fprintf(stderr, "%s, signal %d\n  without us: status %x, %s\n  with us:    status %x, %s\n", name, each,
                 static_cast<unsigned>(deaths[0].status), deaths[0].said.c_str(), static_cast<unsigned>(deaths[1].status),
                 deaths[1].said.substr(0, 2000).c_str());
    std::abort();
  }
}
#define SAME(...) ExpectTheSame([] __VA_ARGS__, __func__)

inline sigjmp_buf back;
inline int tries = 0;  // Survives a siglongjmp.

inline void LeaveByLongjmp(int, siginfo_t*, void*) { siglongjmp(back, 1); }
inline void RepairAndReturn(int signal, siginfo_t* info, void*) {
  Report("repaired %d at %d, code %d. ", signal, static_cast<int>(reinterpret_cast<uintptr_t>(info->si_addr) % kPageBytes), info->si_code);
  Repair(info);
}
inline void ReportAndReturn(int, siginfo_t*, void*) { Report("report. "); }
inline void ReportBlocked(int, siginfo_t* info, void*) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (int each = 1; each < 32; ++each) {
    if (sigismember(&blocked, each) == 1) Report("%d blocked. ", each);
  }
  if (info->si_code > 0) Repair(info);
}

}  // namespace faultline::test
