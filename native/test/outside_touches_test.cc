// Touches from outside: another process, the kernel or a mistaken null puts entries into the page tables, at any moment of a cycle.  No
// mutator may see a page through them that this cycle has not built (S), and no access is left waiting.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cinttypes>

#include "child.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/page_presence.h"
#include "shadow_program.h"

namespace faultline::test {
namespace {

constexpr uint32_t kProgramSeed = 20261130;

// What happens at a point, once.
DelayPoint hooked_point;
std::function<void()>* hooked = nullptr;

class Once {
 public:
  Once(DelayPoint point, std::function<void()> body) : body_(std::move(body)) {
    hooked_point = point;
    hooked = &body_;
    SetDelayHook([](DelayPoint at) {
      if (hooked == nullptr || at != hooked_point) return;
      const auto body = hooked;
      hooked = nullptr;
      (*body)();
    });
  }
  ~Once() {
    SetDelayHook(nullptr);
    EXPECT(hooked == nullptr);  // It did happen.
  }

 private:
  std::function<void()> body_;
};

// How many of the pages another process can read with process_vm_readv.
size_t ReadFromOutside(const uint8_t* start, size_t bytes) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  const pid_t self = getpid();
  int ends[2];
  EXPECT(pipe(ends) == 0);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    alarm(60);
    static uint8_t page[kPageBytes];
    size_t pages = 0;
    for (size_t at = 0; at < bytes; at += kPageBytes) {
      const iovec to = {page, kPageBytes};
      const iovec from = {const_cast<uint8_t*>(start) + at, kPageBytes};
      if (process_vm_readv(self, &to, 1, &from, 1, 0) == static_cast<ssize_t>(kPageBytes)) ++pages;
    }
    [[maybe_unused]] const ssize_t written = write(ends[1], &pages, sizeof pages);
    _exit(0);
  }
  close(ends[1]);
  size_t pages = 0;
  EXPECT(read(ends[0], &pages, sizeof pages) == static_cast<ssize_t>(sizeof pages));
  close(ends[0]);
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  return pages;
}

TestHeap::Options OptionsFor(FaultModeKind mode) {
  TestHeap::Options options;
  options.mode = mode;
  options.workers = 0;
  return options;
}

bool IsThreadMode(FaultModeKind mode) { return TraitsOf(mode).held_by == HeldBy::kThread; }

// What is taken away stands open between the loss of its page tables and the registration: what comes in then is gone before anybody runs.
void WhatFillsTheViewDuringTheFlipIsTakenOut(FaultModeKind mode) {
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed, {.nodes = 500});
  TestHeap& test = scene.test;
  const uint8_t* const view = test.heap.views.mutator_view();
  scene.program.mutator().Park();
  {
    const Once filled(DelayPoint::kBeforeArming, [&] {
      EXPECT(ReadFromOutside(view, test.heap.bytes()) == test.heap.page_count());
      const Result<uint64_t> present = PresentPages(view, test.heap.bytes());
      EXPECT(!present.ok() || present.value() == test.heap.page_count());
    });
    test.CollectUntilFlip();
  }
  EXPECT(test.collector->Armed());
  for (const ViewRange& range : test.collector->pages().taken_away().ranges()) {
    const Result<uint64_t> present = PresentPages(view + range.begin, range.bytes());
    // An inaccessible entry is one too; nobody sees anything through it.
    EXPECT(!present.ok() || present.value() == 0 || mode == FaultModeKind::kSigsegv);
  }
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
  scene.program.mutator().Park();
  test.FinishCollection();
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
}

// Whoever reads the whole process while pages are held gets an answer for each of them: free pages and sources too.
void AReaderFromOutsideIsAnsweredWhilePagesAreHeld(FaultModeKind mode) {
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed + 1, {.nodes = 500});
  TestHeap& test = scene.test;
  scene.program.mutator().Park();
  test.CollectUntilFlip();
  const size_t read = ReadFromOutside(test.heap.views.mutator_view(), test.heap.bytes());
  EXPECT(!IsThreadMode(mode) || read == test.heap.page_count());
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
  scene.program.mutator().Park();
  test.FinishCollection();
  for (uint32_t cycle = 0; cycle < 3; ++cycle) {
    test.Collect();
    scene.program.mutator().Unpark();
    scene.program.Steps(300);
    scene.program.CheckAll();
    scene.program.mutator().Park();
  }
  scene.program.mutator().Unpark();
}

// The modes that copy rely on holes of the file.  Whoever reads the alias fills them.
void AHoleThatSomebodyFilledIsBuiltAllTheSame(FaultModeKind mode) {
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed + 2, {.nodes = 500});
  TestHeap& test = scene.test;
  scene.program.mutator().Park();
  {
    const Once filled(DelayPoint::kBeforeArming,
                      [&] { EXPECT(ReadFromOutside(test.heap.views.alias(), test.heap.bytes()) == test.heap.page_count()); });
    test.CollectUntilFlip();
  }
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
  scene.program.mutator().Park();
  test.FinishCollection();
  scene.program.mutator().Unpark();
  scene.program.CheckAll();
}

// The page whose touch ends the handler thread can be touched by nobody else.
void AReaderOfEverythingDoesNotEndTheHandlerThread(FaultModeKind mode) {
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed + 3, {.nodes = 300});
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  EXPECT(maps != nullptr);
  std::vector<std::pair<uintptr_t, uintptr_t>> shared;
  char line[512];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char flags[5] = {};
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, flags) == 3 && flags[3] == 's') shared.emplace_back(begin, end);
  }
  std::fclose(maps);
  for (const auto& [begin, end] : shared) {
    ReadFromOutside(reinterpret_cast<const uint8_t*>(begin), std::min<size_t>(end - begin, scene.test.heap.bytes()));
  }
  scene.program.mutator().Park();
  scene.test.CollectUntilFlip();
  scene.program.mutator().Unpark();
  scene.program.CheckAll();  // Faults, so it needs the thread.
  scene.program.mutator().Park();
  scene.test.FinishCollection();
  scene.program.mutator().Unpark();
}

enum class Locked { kBefore, kAfter, kDuringTheFlip, kWhilePagesAreHeld };

bool LockAll() { return syscall(SYS_mlockall, MCL_CURRENT | MCL_FUTURE) == 0; }

// A process that has locked its memory: the kernel fills each new mapping at once, and those that are there.
void MemoryMayBeLocked(FaultModeKind mode, Locked when) {
  if (when == Locked::kBefore) CHILD_EXPECT(LockAll());
  HeapWithProgram scene(OptionsFor(mode), kProgramSeed + 4, {.nodes = 500});
  TestHeap& test = scene.test;
  TestMutator& mutator = scene.program.mutator();
  if (when == Locked::kAfter) CHILD_EXPECT(LockAll());
  mutator.Park();
  {
    const bool flips = TraitsOf(mode).held_by != HeldBy::kNothing;
    std::unique_ptr<Once> locked;
    if (when == Locked::kDuringTheFlip && flips) locked = std::make_unique<Once>(DelayPoint::kBeforeArming, [] { EXPECT(LockAll()); });
    test.CollectUntilFlip();
  }
  EXPECT(Read(test.heap.statistics.refused_flips) == 0);
  if (when == Locked::kWhilePagesAreHeld) CHILD_EXPECT(LockAll());
  mutator.Unpark();
  scene.program.CheckAll();
  mutator.Park();
  test.FinishCollection();
  for (uint32_t cycle = 0; cycle < 2; ++cycle) {
    mutator.Unpark();
    scene.program.Steps(500);
    scene.program.CheckAll();
    mutator.Park();
    test.Collect();
  }
  EXPECT(Read(test.heap.statistics.refused_flips) == 0);
  mutator.Unpark();
  scene.program.CheckAll();
}

void AnEmptiedTableIsEmptyInLockedMemoryToo() {
  MappedArray<uint32_t> table;
  EXPECT(table.Create(5000).ok());
  table[4999] = 7;
  const bool locked = syscall(SYS_mlock, table.data(), table.bytes()) == 0;
  table.DropPages();
  EXPECT(table[4999] == 0);
  if (locked) EXPECT(syscall(SYS_munlock, table.data(), table.bytes()) == 0);
}

// Null leads to the first page, on which nothing ever lies.
void NullReadsAsZerosInEveryPhase(FaultModeKind mode) {
  TestHeap test(OptionsFor(mode));
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  const auto read_null = [&] {
    for (WordIndex word{0}; word < kPageWords; ++word) EXPECT(mutator.words(0)[word] == 0);
  };
  for (uint32_t cycle = 0; cycle < 3; ++cycle) {
    read_null();
    for (uint32_t i = 0; i < 400; ++i) {
      const WordIndex object = mutator.Allocate(data, 200);
      if (i % 4 == 0) mutator.handle(i) = object;
    }
    mutator.Park();
    test.CollectUntilFlip();
    mutator.Unpark();
    if (TraitsOf(mode).held_by != HeldBy::kNothing) EXPECT(test.collector->Armed());
    read_null();
    read_null();
    mutator.Park();
    test.FinishCollection();
    mutator.Unpark();
    read_null();
  }
}

// A worker has shown a page and not noted it yet; the kernel drops the entry, a thread touches the page and sleeps; then the worker
// notes it.  Whoever serves the fault must wake the thread, whatever the page's state says by now.
void AnEntryThatIsDroppedBeforeItIsNotedLeavesNoSleeper(FaultModeKind mode) {
  TestHeap test(OptionsFor(mode));
  const ShapeId data = test.DefineShape(0, 0, ElementKind::kData, 3);
  TestMutator mutator(&test);
  mutator.handle(0) = mutator.Allocate(data, 100);
  mutator.Park();
  test.CollectUntilFlip();
  const PageIndex page = PageOf(mutator.handle(0));
  volatile uint8_t* const byte = test.heap.views.mutator_view() + size_t{page} * kPageBytes;
  std::atomic<bool> dropped{false};
  std::atomic<bool> noted{false};
  std::atomic<bool> fault_read{false};
  std::atomic<bool> touched{false};
  static std::function<void(DelayPoint)> hook;
  hook = [&](DelayPoint point) {
    if (point == DelayPoint::kShown && !dropped.exchange(true)) {
      EXPECT(madvise(const_cast<uint8_t*>(byte), kPageBytes, MADV_DONTNEED) == 0);
      std::thread([&] {
        (void)*byte;
        touched.store(true);
      }).detach();
      for (uint32_t ms = 0; !fault_read.load() && ms < 10'000; ++ms) SleepMs(1);
    } else if (point == DelayPoint::kFaultRead && dropped.load() && !fault_read.exchange(true)) {
      for (uint32_t ms = 0; !noted.load() && ms < 10'000; ++ms) SleepMs(1);
    }
  };
  SetDelayHook([](DelayPoint point) { hook(point); });
  test.collector->pages().BuildRange(page, 1, &test.heap.statistics.pages_by_workers);  // As a worker does; notes it in the end.
  noted.store(true);
  EXPECT(dropped.load() && fault_read.load());
  for (uint32_t ms = 0; !touched.load() && ms < 10'000; ++ms) SleepMs(1);
  EXPECT(touched.load());
  SetDelayHook(nullptr);
  test.FinishCollection();
  mutator.Unpark();
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  AnEmptiedTableIsEmptyInLockedMemoryToo();
  for (const FaultModeKind mode : MovingModes()) NullReadsAsZerosInEveryPhase(mode);
  for (const FaultModeKind mode : FaultingModes()) {
    const Death death = InChild([mode] {
      alarm(60);
      WhatFillsTheViewDuringTheFlipIsTakenOut(mode);
      AReaderFromOutsideIsAnsweredWhilePagesAreHeld(mode);
      if (TraitsOf(mode).copies) AHoleThatSomebodyFilledIsBuiltAllTheSame(mode);
      if (IsThreadMode(mode)) {
        AReaderOfEverythingDoesNotEndTheHandlerThread(mode);
        AnEntryThatIsDroppedBeforeItIsNotedLeavesNoSleeper(mode);
      }
    });
    if (!death.exited_with(0)) std::fprintf(stderr, "mode %s: %s\n", NameOf(mode), death.said.c_str());
    EXPECT(death.exited_with(0));
  }
  if (kSanitized) {
    std::printf("a sanitizer's memory cannot be locked: that part is left out\n");
    return 0;
  }
  if (!InChild([] { CHILD_EXPECT(LockAll()); }).exited_with(0)) {
    std::printf("this process may not lock its memory: that part is left out\n");
    return 0;
  }
  for (const FaultModeKind mode : MovingModes()) {
    for (const Locked when : {Locked::kBefore, Locked::kAfter, Locked::kDuringTheFlip, Locked::kWhilePagesAreHeld}) {
      const Death death = InChild([mode, when] { MemoryMayBeLocked(mode, when); });
      if (!death.exited_with(0)) std::fprintf(stderr, "mode %s, locked %d: %s\n", NameOf(mode), static_cast<int>(when), death.said.c_str());
      EXPECT(death.exited_with(0));
    }
  }
  return 0;
}
