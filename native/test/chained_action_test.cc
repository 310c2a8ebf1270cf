// Chained actions: whatever a program does with SIGBUS and SIGSEGV ends as it would without our handler in front of its own.
//
// Each program runs in a child twice, without our handler and with it; its output and the way it ends must be the same.
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "chained_programs.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

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
  return 0;
}
