// Chained actions: whatever a program does with SIGBUS and SIGSEGV ends as it would end without our handler in front of it.
//
// Each program runs in a child twice, without our handler and with it, and what it wrote and how it ended have to be the same.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <functional>

#include "child.h"
#include "os/chained_action.h"
#include "os/delays.h"
#include "os/fault_ranges.h"
#include "os/fault_signals.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

// --- What programs are made of --------------------------------------------------------------------------------------------------

// SIGBUS or SIGSEGV: the one that the running program is about.
int number = SIGSEGV;
bool with_ours = false;

void Report(const char* format, ...) {
  char text[200];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) != length) _exit(9);
}

// A heap is made, or a flip comes.
void Ours() {
  if (with_ours) CHILD_EXPECT(EnsureFaultHandler(number == SIGBUS ? FaultSignal::kBus : FaultSignal::kSegmentation).ok());
}

// A page whose touch raises the signal.
uint8_t* BadPage() {
  const int file = memfd_create("bad page", 0);
  CHILD_EXPECT(file >= 0);
  void* const page = mmap(nullptr, kPageBytes, number == SIGBUS ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_SHARED, file, 0);
  CHILD_EXPECT(page != MAP_FAILED);
  if (number == SIGSEGV) CHILD_EXPECT(ftruncate(file, kPageBytes) == 0);
  close(file);
  return static_cast<uint8_t*>(page);
}
void Touch(uint8_t* page) { *const_cast<volatile uint8_t*>(page + 5) = 1; }

void Repair(const siginfo_t* info) {
  void* const page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(kPageBytes - 1));
  CHILD_EXPECT(mmap(page, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
}

struct sigaction Install(SignalHandler handler, unsigned flags = 0, std::initializer_list<int> mask = {}) {
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
void ExpectTheSame(const Program& program, const char* name) {
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

// --- Handlers ---------------------------------------------------------------------------------------------------------------------

sigjmp_buf back;
int tries = 0;  // Survives a siglongjmp.

void LeaveByLongjmp(int, siginfo_t*, void*) { siglongjmp(back, 1); }
void RepairAndReturn(int signal, siginfo_t* info, void*) {
  Report("repaired %d at %d, code %d. ", signal, static_cast<int>(reinterpret_cast<uintptr_t>(info->si_addr) % kPageBytes), info->si_code);
  Repair(info);
}
void ReportAndReturn(int, siginfo_t*, void*) { Report("report. "); }
void ReportBlocked(int, siginfo_t* info, void*) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (int each = 1; each < 32; ++each) {
    if (sigismember(&blocked, each) == 1) Report("%d blocked. ", each);
  }
  if (info->si_code > 0) Repair(info);
}

// --- Laws -------------------------------------------------------------------------------------------------------------------------

void AHandlerMayRepairAndReturn() {
  SAME({
    Install(RepairAndReturn);
    Ours();
    for (int i = 0; i < 3; ++i) Touch(BadPage());
  });
}

void AHandlerMayLeaveByLongjmpAsOftenAsItLikes() {
  SAME({
    Install(LeaveByLongjmp);
    Ours();
    for (tries = 0; tries < 5; ++tries) {
      if (sigsetjmp(back, 1) == 0) Touch(BadPage());
      Report("back. ");
    }
  });
}

// The signal stays blocked then, and the second fault cannot be delivered; unless it never was blocked.
void AHandlerThatLeavesWithoutTheMaskKeepsIt() {
  SAME({
    Install(LeaveByLongjmp);
    Ours();
    for (tries = 0; tries < 3; ++tries) {
      if (sigsetjmp(back, 0) == 0) Touch(BadPage());
      Report("back. ");
    }
  });
  SAME({
    Install(LeaveByLongjmp, SA_NODEFER);
    Ours();
    for (tries = 0; tries < 3; ++tries) {
      if (sigsetjmp(back, 0) == 0) Touch(BadPage());
      Report("back. ");
    }
  });
}

void AHandlerThatHoldsForOneSignalIsCalledOnce() {
  SAME({
    Install(ReportAndReturn, SA_RESETHAND);
    Ours();
    Touch(BadPage());
  });
  SAME({
    Install(ReportAndReturn, SA_RESETHAND);
    Ours();
    raise(number);
    Report("alive. ");
    raise(number);
    Report("alive still. ");
  });
  // Installed anew it holds once more.
  SAME({
    for (int i = 0; i < 3; ++i) {
      Install(RepairAndReturn, SA_RESETHAND);
      Ours();
      Touch(BadPage());
    }
    Ours();
    Touch(BadPage());
  });
}

void OneOfSeveralThreadsGetsAHandlerThatHoldsForOneSignal() {
  for (const int each : {SIGBUS, SIGSEGV}) {
    number = each;
    with_ours = true;
    const Death death = InChild([] {
      Install(
          [](int, siginfo_t*, void*) {
            Report("report. ");
            SleepMs(20);
          },
          SA_RESETHAND);
      Ours();
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) threads.emplace_back([] { Touch(BadPage()); });
      for (std::thread& thread : threads) thread.join();
    });
    with_ours = false;
    EXPECT(death.died_of(each) && death.said == "report. ");
  }
}

void WhatAHandlerWantsBlockedIsBlocked() {
  SAME({
    Install(ReportBlocked, 0, {SIGUSR1, SIGTERM});
    Ours();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    Touch(BadPage());
    siginfo_t none = {};
    ReportBlocked(0, &none, nullptr);  // Afterwards.
  });
  SAME({
    Install(ReportBlocked, SA_NODEFER, {SIGUSR1});
    Ours();
    Touch(BadPage());
  });
  SAME({
    Install(ReportBlocked, SA_NODEFER, {number});
    Ours();
    Touch(BadPage());
  });
}

void AHandlerRunsOnTheStackThatItWants() {
  for (const unsigned flags : {0u, static_cast<unsigned>(SA_ONSTACK)}) {
    static unsigned wanted;
    wanted = flags;
    SAME({
      static uint8_t alternate[64 * 1024];
      stack_t stack = {};
      stack.ss_sp = alternate;
      stack.ss_size = sizeof alternate;
      CHILD_EXPECT(sigaltstack(&stack, nullptr) == 0);
      Install(
          [](int, siginfo_t* info, void*) {
            const uint8_t here = 0;
            Report("alternate %d. ", &here >= alternate && &here < alternate + sizeof alternate);
            alignas(64) volatile uint8_t aligned[64] = {};  // A misaligned stack would show here, or in the library.
            Report("%.3f %d. ", 1.5, static_cast<int>(reinterpret_cast<uintptr_t>(aligned) % 64));
            Repair(info);
          },
          wanted);
      Ours();
      Touch(BadPage());
      Touch(BadPage());
      Install(LeaveByLongjmp, wanted);
      Ours();
      for (tries = 0; tries < 3; ++tries) {
        if (sigsetjmp(back, 1) == 0) Touch(BadPage());
        Report("back. ");
      }
    });
  }
}

// The thread that sends sees that the other one sleeps in its call.
void ACallThatASignalInterruptsIsRestartedOrNot() {
  for (const unsigned flags : {0u, static_cast<unsigned>(SA_RESTART)}) {
    static unsigned wanted;
    wanted = flags;
    SAME({
      static int ends[2];
      CHILD_EXPECT(pipe(ends) == 0);
      Install(ReportAndReturn, wanted);
      Ours();
      const pthread_t reader = pthread_self();
      const long id = syscall(SYS_gettid);
      std::thread sender([reader, id] {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", id);
        for (bool reading = false; !reading;) {
          char text[16] = {};
          std::FILE* const file = std::fopen(path, "r");
          reading = file != nullptr && std::fgets(text, 3, file) != nullptr && std::strcmp(text, "0 ") == 0;  // read()
          if (file != nullptr) std::fclose(file);
        }
        pthread_kill(reader, number);
        SleepMs(20);
        if (write(ends[1], "x", 1) != 1) _exit(9);
      });
      char byte = 0;
      const ssize_t got = read(ends[0], &byte, 1);
      Report("read %d, errno %d. ", static_cast<int>(got), got < 0 ? errno : 0);
      sender.join();
    });
  }
}

void TheDefaultActionEndsTheProcess() {
  static const Program programs[] = {
      [] { Touch(BadPage()); },
      [] { kill(getpid(), number); },
      [] { raise(number); },
      [] { sigqueue(getpid(), number, sigval{}); },
      [] { std::thread([] { Touch(BadPage()); }).join(); },
      [] { std::thread([] { pthread_kill(pthread_self(), number); }).join(); },
  };
  for (const Program& each : programs) {
    static const Program* program;
    program = &each;
    SAME({
      signal(number, SIG_DFL);
      Ours();
      (*program)();
      for (int i = 0; i < 100; ++i) SleepMs(1);
      Report("alive. ");
    });
  }
}

void WhatIsIgnoredIsIgnoredIfItWasSent() {
  SAME({
    signal(number, SIG_IGN);
    Ours();
    raise(number);
    kill(getpid(), number);
    SleepMs(5);
    Report("alive. ");
    Touch(BadPage());
    Report("alive still. ");
  });
}

void AHandlerLearnsWhatItWouldHaveLearnt() {
  SAME({
    Install([](int signal, siginfo_t* info, void*) {
      Report("%d: %d, code %d, from us %d, value %d. ", signal, info->si_signo, info->si_code, info->si_pid == getpid(),
             info->si_value.sival_int);
    });
    Ours();
    kill(getpid(), number);
    raise(number);
    sigval value = {};
    value.sival_int = 42;
    sigqueue(getpid(), number, value);
  });
  // Without SA_SIGINFO.
  SAME({
    signal(number, [](int signal) { Report("%d. ", signal); });
    Ours();
    raise(number);
  });
}

void WhatAHandlerDoesToErrnoItHasDone() {
  SAME({
    Install([](int, siginfo_t* info, void*) {
      Report("errno %d. ", errno);
      Repair(info);
      errno = EXDEV;
    });
    Ours();
    errno = ENOTTY;
    Touch(BadPage());
    Report("errno %d. ", errno);
  });
}

void AHandlerThatCrashesEndsTheProcess() {
  static const unsigned both[] = {0, SA_NODEFER};
  for (const unsigned& flags : both) {
    static unsigned wanted;
    wanted = flags;
    SAME({
      static int depth = 0;
      Install(
          [](int, siginfo_t*, void*) {
            Report("depth %d. ", depth);
            if (++depth == 4) _exit(4);
            Touch(BadPage());
          },
          wanted);
      Ours();
      Touch(BadPage());
    });
  }
}

#if defined(__x86_64__)
void AHandlerMayChangeWhereTheThreadGoesOn() {
  SAME({
    Install([](int, siginfo_t*, void* argument) {
      ucontext_t* const context = static_cast<ucontext_t*>(argument);
      context->uc_mcontext.gregs[REG_RIP] += 3;  // Behind the instruction below.
      sigaddset(&context->uc_sigmask, SIGUSR2);
    });
    Ours();
    asm volatile("movb $7, (%0)\n" ::"r"(BadPage()) : "memory");
    siginfo_t none = {};
    ReportBlocked(0, &none, nullptr);
  });
}
#endif

// --- Several handlers -------------------------------------------------------------------------------------------------------------

struct sigaction kept;

void ReportAndCallKept(int signal, siginfo_t* info, void* context) {
  Report("newcomer. ");
  if (kept.sa_handler == SIG_DFL) {
    ::signal(signal, SIG_DFL);
  } else {
    kept.sa_sigaction(signal, info, context);
  }
}
void ReportAndPutBackKept(int signal, siginfo_t*, void*) {
  Report("newcomer. ");
  sigaction(signal, &kept, nullptr);
}

void ANewcomerReachesWhoWasThereFirst() {
  static const SignalHandler newcomers[] = {ReportAndCallKept, ReportAndPutBackKept};
  for (const SignalHandler& each : newcomers) {
    static SignalHandler newcomer;
    newcomer = each;
    // Before a flip puts ours back, and after.
    for (const bool& flip : {false, true}) {
      static bool flips;
      flips = flip;
      SAME({
        Install(RepairAndReturn);
        Ours();
        kept = Install(newcomer);
        if (flips) Ours();
        Touch(BadPage());
        if (flips) Ours();
        Touch(BadPage());
      });
      SAME({
        signal(number, SIG_DFL);
        Ours();
        kept = Install(newcomer);
        if (flips) Ours();
        Touch(BadPage());
      });
    }
  }
}

void ANewcomerThatGoesLeavesWhatWasThere() {
  SAME({
    Install(RepairAndReturn);
    Ours();
    for (int i = 0; i < 40; ++i) {
      kept = Install(ReportAndCallKept);
      Ours();
      CHILD_EXPECT(sigaction(number, &kept, nullptr) == 0);
      Ours();
    }
    Touch(BadPage());
    signal(number, SIG_DFL);
    Ours();
    Touch(BadPage());
  });
}

// Replacing goes on for longer than there are handlers of ours.
void ManyDifferentActionsOneAfterTheOther() {
  SAME({
    for (unsigned i = 0; i < 60; ++i) {
      Install(i % 2 == 0 ? RepairAndReturn : ReportBlocked, i % 3 == 0 ? SA_RESTART : 0, {static_cast<int>(32 + i % 30)});
      Ours();
      Touch(BadPage());
    }
    signal(number, SIG_DFL);
    Ours();
    Touch(BadPage());
  });
}

// The newcomer has put itself there twice, and what it keeps is the handler of ours that calls it.
void ACircleEndsTheProcess() {
  for (const int each : {SIGBUS, SIGSEGV}) {
    number = each;
    with_ours = true;
    const Death death = InChild([] {
      Ours();
      kept = Install(ReportAndCallKept);
      Ours();
      kept = Install(ReportAndCallKept);
      Ours();
      Touch(BadPage());
      _exit(2);
    });
    with_ours = false;
    EXPECT(death.died_of(each) && death.said.size() < 2000);
  }
}

// The program changes its action just before ours takes its place.
void ANewcomerInTheLastMomentIsNotLost() {
  SAME({
    signal(number, SIG_DFL);
    static int comers;
    comers = 0;
    SetDelayHook([](DelayPoint point) {
      if (point == DelayPoint::kActionReplaced && comers++ < 2) Install(comers == 1 ? ReportBlocked : RepairAndReturn);
    });
    Ours();
    SetDelayHook(nullptr);
    if (!with_ours) Install(RepairAndReturn);
    Touch(BadPage());
  });
}

// --- With a heap ------------------------------------------------------------------------------------------------------------------

// In the middle of a compaction, so that faults of the heap's come between.
void ACrashBesideAHeapIsTheProgramsOwn(FaultModeKind mode) {
  static const Program crashes[] = {
      [] { Touch(BadPage()); }, [] { std::thread([] { Touch(BadPage()); }).join(); }, [] { raise(number); }, [] { abort(); },
      [] { _exit(7); },
  };
  static const Program handlers[] = {
      [] { signal(number, SIG_DFL); },
      [] { Install(ReportAndReturn, SA_RESETHAND); },
      [] { Install([](int, siginfo_t*, void*) { _exit(5); }); },
  };
  static FaultModeKind kind;
  kind = mode;
  for (const Program& handler : handlers) {
    for (const Program& crash : crashes) {
      static const Program* install;
      static const Program* end;
      install = &handler;
      end = &crash;
      SAME({
        (*install)();
        const auto end_here = [] {
          (*end)();
          _exit(0);
        };
        if (!with_ours) end_here();
        TestHeap::Options options;
        options.mode = kind;
        options.workers = 0;
        HeapWithProgram scene(options, 3, {.nodes = 300});
        scene.program.mutator().Park();
        scene.test.CollectUntilFlip();
        scene.program.mutator().Unpark();
        scene.program.CheckAll();
        end_here();
      });
    }
  }
  SAME({
    Install(LeaveByLongjmp);
    TestHeap::Options options;
    options.mode = with_ours ? kind : FaultModeKind::kStw;
    options.workers = 0;
    HeapWithProgram scene(options, 3, {.nodes = 300});
    for (tries = 0; tries < 4; ++tries) {
      scene.program.mutator().Park();
      scene.test.CollectUntilFlip();
      scene.program.mutator().Unpark();
      if (sigsetjmp(back, 1) == 0) Touch(BadPage());
      Report("back. ");
      scene.program.CheckAll();
      if (sigsetjmp(back, 1) == 0) Touch(BadPage());
      Report("back. ");
      scene.program.mutator().Park();
      scene.test.FinishCollection();
      scene.program.mutator().Unpark();
      scene.program.Steps(100);
    }
  });
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  if (kSanitized) {
    std::printf("the children of this test install handlers and die of signals, which sanitizers keep for themselves\n");
    return kSkipped;
  }
  AHandlerMayRepairAndReturn();
  AHandlerMayLeaveByLongjmpAsOftenAsItLikes();
  AHandlerThatLeavesWithoutTheMaskKeepsIt();
  AHandlerThatHoldsForOneSignalIsCalledOnce();
  OneOfSeveralThreadsGetsAHandlerThatHoldsForOneSignal();
  WhatAHandlerWantsBlockedIsBlocked();
  AHandlerRunsOnTheStackThatItWants();
  ACallThatASignalInterruptsIsRestartedOrNot();
  TheDefaultActionEndsTheProcess();
  WhatIsIgnoredIsIgnoredIfItWasSent();
  AHandlerLearnsWhatItWouldHaveLearnt();
  WhatAHandlerDoesToErrnoItHasDone();
  AHandlerThatCrashesEndsTheProcess();
#if defined(__x86_64__)
  AHandlerMayChangeWhereTheThreadGoesOn();
#endif
  ANewcomerReachesWhoWasThereFirst();
  ANewcomerThatGoesLeavesWhatWasThere();
  ManyDifferentActionsOneAfterTheOther();
  ACircleEndsTheProcess();
  ANewcomerInTheLastMomentIsNotLost();
  for (const FaultModeKind mode : MovingModes()) ACrashBesideAHeapIsTheProgramsOwn(mode);
  return 0;
}
