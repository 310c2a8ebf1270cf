// Chained newcomers: programs that install handlers after ours, beside heaps, end as they would without our handler.
//
// Each program runs in a child twice, without our handler and with it; its output and the way it ends must be the same.
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "chained_programs.h"
#include "os/delays.h"
#include "os/fault_ranges.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

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
  ANewcomerReachesWhoWasThereFirst();
  ANewcomerThatGoesLeavesWhatWasThere();
  ManyDifferentActionsOneAfterTheOther();
  ACircleEndsTheProcess();
  ANewcomerInTheLastMomentIsNotLost();
  for (const FaultModeKind mode : MovingModes()) ACrashBesideAHeapIsTheProgramsOwn(mode);
  return 0;
}
