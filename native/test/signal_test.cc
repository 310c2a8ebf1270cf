// Fault signals: faults outside every heap go to the previously installed handler, handlers installed after ours are chained to, and a
// stale reference ends the process with a message that says so.
//
// Code that ends a process runs in a child; a heap's mappings are not inherited, so the child makes its own.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "child.h"
#include "os/clock.h"
#include "os/fault_ranges.h"
#include "os/fault_signals.h"
#include "shadow_program.h"

#if defined(__SANITIZE_THREAD__)
#define FAULTLINE_TSAN 1
#else
#define FAULTLINE_TSAN 0
#endif

namespace faultline::test {
namespace {

// --- Pages to fault on --------------------------------------------------------------------------------------------------

uint8_t* ProtectedPage() {
  void* page = mmap(nullptr, kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_EXPECT(page != MAP_FAILED);
  return static_cast<uint8_t*>(page);
}

volatile sig_atomic_t foreign_calls = 0;
volatile uintptr_t foreign_address = 0;
void (*chained)(int, siginfo_t*, void*) = nullptr;

void MakeAccessible(int, siginfo_t* info, void*) {
  foreign_calls = foreign_calls + 1;
  foreign_address = reinterpret_cast<uintptr_t>(info->si_addr);
  mprotect(reinterpret_cast<void*>(foreign_address & ~(kPageBytes - 1)), kPageBytes, PROT_READ | PROT_WRITE);
}

void CallBack(int number, siginfo_t* info, void* context) {
  foreign_calls = foreign_calls + 1;
  if (foreign_calls > 5) _exit(3);
  chained(number, info, context);
}

void Install(int number, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  struct sigaction before = {};
  CHILD_EXPECT(sigaction(number, &action, &before) == 0);
  if ((before.sa_flags & SA_SIGINFO) != 0) chained = before.sa_sigaction;
}

// Serves one page by making it accessible, and spoils errno on the way.
bool ServeOne(void* calls, uintptr_t address) {
  volatile uint32_t* const counter = static_cast<uint32_t*>(calls);
  *counter = *counter + 1;
  errno = E2BIG;
  return mprotect(reinterpret_cast<void*>(address & ~(kPageBytes - 1)), kPageBytes, PROT_READ | PROT_WRITE) == 0;
}

// --- Laws ---------------------------------------------------------------------------------------------------------------

void AFaultThatIsNotOursGoesToTheHandlerBefore() {
  EXPECT(InChild([] {
           Install(SIGSEGV, MakeAccessible);
           CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());
           volatile uint8_t* const page = ProtectedPage();
           page[9] = 1;
           CHILD_EXPECT(foreign_calls == 1 && foreign_address == reinterpret_cast<uintptr_t>(page + 9));
         }).exited_with(0));
}

void AFaultOfOursIsServedAndErrnoStays() {
  EXPECT(InChild([] {
           Install(SIGSEGV, MakeAccessible);
           CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());
           uint8_t* const page = ProtectedPage();
           volatile uint32_t calls = 0;
           const int slot = AddFaultRange(page, kPageBytes, ServeOne, const_cast<uint32_t*>(&calls));
           CHILD_EXPECT(slot >= 0);
           errno = ENOTTY;
           *const_cast<volatile uint8_t*>(page) = 1;
           CHILD_EXPECT(errno == ENOTTY && calls == 1 && foreign_calls == 0);
           // A range that was removed is nobody's again.
           RemoveFaultRange(slot);
           mprotect(page, kPageBytes, PROT_NONE);
           *const_cast<volatile uint8_t*>(page) = 1;
           CHILD_EXPECT(calls == 1 && foreign_calls == 1);
         }).exited_with(0));
}

void AHandlerThatReplacedOursIsChainedToAndOursIsBack() {
  EXPECT(InChild([] {
           CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());
           Install(SIGSEGV, MakeAccessible);
           uint8_t* const ours = ProtectedPage();
           uint8_t* const theirs = ProtectedPage();
           volatile uint32_t calls = 0;
           CHILD_EXPECT(AddFaultRange(ours, kPageBytes, ServeOne, const_cast<uint32_t*>(&calls)) >= 0);
           CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());
           *const_cast<volatile uint8_t*>(ours) = 1;
           CHILD_EXPECT(calls == 1 && foreign_calls == 0);
           *const_cast<volatile uint8_t*>(theirs) = 1;
           CHILD_EXPECT(calls == 1 && foreign_calls == 1);
         }).exited_with(0));
}

void AHandlerThatCallsBackToOursDoesNotGoRoundForEver() {
  const Death death = InChild([] {
    signal(SIGSEGV, SIG_DFL);  // A sanitizer's own handler ends the process in a way of its own.
    CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());
    Install(SIGSEGV, CallBack);                                         // Chains to ours …
    CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());  // … and ours to it.
    *const_cast<volatile uint8_t*>(ProtectedPage()) = 1;
  });
  EXPECT(death.died_of(SIGSEGV));
}

void WithoutAHandlerBeforeTheDefaultActionEndsTheProcess() {
  const Death fault = InChild([] {
    signal(SIGSEGV, SIG_DFL);
    CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kSegmentation).ok());
    *const_cast<volatile uint8_t*>(ProtectedPage()) = 1;
  });
  EXPECT(fault.died_of(SIGSEGV));
  // A signal that was sent would not be raised again by any instruction.
  const Death sent = InChild([] {
    signal(SIGBUS, SIG_DFL);
    CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kBus).ok());
    kill(getpid(), SIGBUS);
    for (uint32_t i = 0; i < 100; ++i) SleepMs(1);
    _exit(2);
  });
  EXPECT(sent.died_of(SIGBUS));
  const Death ignored = InChild([] {
    signal(SIGBUS, SIG_IGN);
    CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kBus).ok());
    kill(getpid(), SIGBUS);
    SleepMs(5);
    CHILD_EXPECT(EnsureFaultHandler(FaultSignal::kBus).ok());
  });
  EXPECT(ignored.exited_with(0));
}

void AThreadThatBlocksTheSignalIsNoticed() {
  EXPECT(!ThreadBlocks(FaultSignal::kBus) && !ThreadBlocks(FaultSignal::kSegmentation));
  std::thread([] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    EXPECT(ThreadBlocks(FaultSignal::kBus) && !ThreadBlocks(FaultSignal::kSegmentation));
  }).join();
  EXPECT(!ThreadBlocks(FaultSignal::kBus));
}

// The program replaces our handler while mutators run: at the latest the next flip or slice of compaction puts it back.
void AHeapSurvivesAProgramThatReplacesItsHandlerBetweenCycles(FaultModeKind mode) {
  EXPECT(InChild([mode] {
           TestHeap::Options options;
           options.mode = mode;
           options.workers = 0;
           HeapWithProgram scene(options, 3, {.nodes = 300});
           TestHeap& test = scene.test;
           ShadowProgram& program = scene.program;
           for (uint32_t round = 0; round < 4; ++round) {
             Install(mode == FaultModeKind::kSigsegv ? SIGSEGV : SIGBUS, MakeAccessible);
             program.mutator().Park();
             test.CollectUntilFlip();
             program.mutator().Unpark();
             program.CheckAll();  // Builds by faults.
             program.mutator().Park();
             test.FinishCollection();
             program.mutator().Unpark();
             program.CheckAll();
             program.Steps(500);
           }
           CHILD_EXPECT(foreign_calls == 0);
           CHILD_EXPECT(Read(test.heap.statistics.pages_by_mutators) > 0);
         }).exited_with(0));
}

void AStaleReferenceEndsTheProcessAndSaysSo(FaultModeKind mode) {
  const Death death = InChild([mode] {
    TestHeap::Options options;
    options.mode = mode;
    options.workers = 0;
    TestHeap test(options);
    const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
    TestMutator mutator(&test);
    mutator.handle(0) = mutator.Allocate(data, 3000);
    const WordIndex stale = mutator.handle(0);
    mutator.Park();
    test.CollectUntilFlip();
    mutator.Unpark();
    CHILD_EXPECT(mutator.handle(0) != stale);
    CHILD_EXPECT(mutator.words(mutator.handle(0))[0] != 0);
    *const_cast<volatile uint64_t*>(mutator.words(stale));
    _exit(2);
  });
  EXPECT(death.died() && !death.exited_with(2));
  EXPECT(death.said.find("ERR_STALE_REFERENCE") != std::string::npos);
}

// Thread mode: messages that were read in one cycle and are looked at in the next one may name pages that nobody may touch
// by now.  Nobody waits for them any more, and the process must not die of them.
void AFaultOfAnEarlierCycleIsNoStaleReference() {
  TestHeap::Options options;
  options.mode = FaultModeKind::kThread;
  options.workers = 0;
  TestHeap test(options);
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  mutator.handle(0) = mutator.Allocate(data, 3000);
  const WordIndex stale = mutator.handle(0);
  mutator.Park();
  test.CollectUntilFlip();
  for (uint32_t i = 0; i < 16; ++i) EXPECT(test.collector->pages().ServeFault(reinterpret_cast<uintptr_t>(mutator.words(stale)), nullptr));
  test.FinishCollection();
  // The same when no cycle compacts, however often.
  for (uint32_t i = 0; i < 200'000; ++i) {
    EXPECT(test.collector->pages().ServeFault(reinterpret_cast<uintptr_t>(mutator.words(stale)), nullptr));
  }
  mutator.Unpark();
  EXPECT(mutator.slots(mutator.handle(0))[1] == 3000);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  AThreadThatBlocksTheSignalIsNoticed();
#if FAULTLINE_TSAN
  std::printf("the children of this test install handlers and die of signals, which ThreadSanitizer keeps for itself\n");
  return kSkipped;
#endif
  AFaultThatIsNotOursGoesToTheHandlerBefore();
  AFaultOfOursIsServedAndErrnoStays();
  AHandlerThatReplacedOursIsChainedToAndOursIsBack();
  AHandlerThatCallsBackToOursDoesNotGoRoundForEver();
  WithoutAHandlerBeforeTheDefaultActionEndsTheProcess();
  for (const FaultModeKind mode : FaultingModes()) {
    if (TraitsOf(mode).held_by != HeldBy::kThread) AHeapSurvivesAProgramThatReplacesItsHandlerBetweenCycles(mode);
  }
  for (const FaultModeKind mode : FaultingModes()) {
    AStaleReferenceEndsTheProcessAndSaysSo(mode);
  }
  if (ModeWorks(FaultModeKind::kThread)) AFaultOfAnEarlierCycleIsNoStaleReference();
  return 0;
}
