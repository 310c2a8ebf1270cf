// Threads that are mutators of several heaps: law (H).
#include <memory>

#include "heap/thread_state.h"
#include "os/clock.h"
#include "os/delays.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

// A mutator that is one for a handshake's sake.
struct Member {
  explicit Member(Handshake* handshake) : mutator(nullptr, control, 0, 0) { Attach(mutator, *handshake, WaitWatch::Never()); }
  ~Member() {
    Detach(mutator, WaitWatch::Never(), [] {});
  }
  bool runs() { return (mutator.state()->load(std::memory_order_relaxed) & kMutatorRunning) != 0; }
  void Run() { EXPECT(Unpark(mutator, WaitWatch::Never())); }
  alignas(64) uint32_t control[64] = {};
  Mutator mutator;
};

struct Cut final : WaitWatch {
  explicit Cut(WaitCut cut) : cut(cut) {}
  WaitCut Look() override { return cut; }
  const WaitCut cut;
};

bool Stop(Handshake& handshake, uint64_t limit_ns = kNsPerMs) { return handshake.TryStop(limit_ns); }

void AWaitParksWhatRunsAndNothingElse() {
  Handshake first, second, third;
  Member a(&first), b(&second), c(&third);
  a.Run();
  b.Run();
  {
    const ThreadWait wait(WaitWatch::Never());
    EXPECT(!a.runs() && !b.runs() && !c.runs());
    EXPECT(Stop(first) && Stop(second));
    first.Resume();
    second.Resume();
    const ThreadWait nested(WaitWatch::Never());
  }
  EXPECT(a.runs() && b.runs() && !c.runs());
}

// What pauses do to the roots of such a mutator (heap/root_run.h) would undo what its program stores.
void AThreadStandsStillUnlessItsProgramRuns() {
  Handshake first, second;
  Member a(&first), b(&second);
  const auto still = [&](bool of_a, bool of_b) { return a.mutator.stands_still.load() == of_a && b.mutator.stands_still.load() == of_b; };
  a.Run();
  EXPECT(still(false, false));
  {
    const ThreadWait wait(WaitWatch::Never());
    EXPECT(still(true, false));  // The other was parked by its program.
  }
  EXPECT(a.runs() && still(false, false));
  {
    const ThreadWait wait(WaitWatch::Never(), ThreadWait::Meanwhile::kProgram);
    EXPECT(!a.runs() && still(false, false));
    b.Run();
    const ThreadWait nested(WaitWatch::Never());
    EXPECT(still(false, true));
  }
  EXPECT(a.runs() && b.runs() && still(false, false));
  first.Park(&a.mutator);
  EXPECT(still(false, false));
}

void AScriptThatIsCutShortRunsUnderARequestButNotInAPause() {
  Handshake first, second;
  Member a(&first), b(&second);
  a.Run();
  b.Run();
  Member other(&first);
  std::atomic<bool> leave{false};
  std::atomic<bool> there{false};
  // Keeps the stop from being met.
  std::thread computes([&] {
    Member member(&first);
    member.Run();
    there.store(true);
    while (!leave.load()) CpuRelax();
  });
  while (!there.load()) CpuRelax();
  EXPECT(StopIfRequested(WaitWatch::Never()));
  EXPECT((b.mutator.state()->load() & kMutatorStopElsewhere) == 0);
  EXPECT(!Stop(first));
  EXPECT((b.mutator.state()->load() & kMutatorStopElsewhere) != 0);  // A poll of the other mutator notices.
  Cut script(WaitCut::kScript);
  EXPECT(StopIfRequested(script));
  EXPECT(a.runs() && b.runs());
  Cut thread(WaitCut::kThread);
  EXPECT(!StopIfRequested(thread));  // It ends: both stay parked.
  EXPECT(!a.runs() && !b.runs());
  leave.store(true);
  computes.join();
  EXPECT(Stop(first, 1000 * kNsPerMs));
  EXPECT(!first.TryRunUnlessStopped(&a.mutator));
  first.Resume();
  a.Run();
  b.Run();
}

Handshake* stopped_meanwhile = nullptr;

void StopMeanwhile(DelayPoint point) {
  Handshake* const handshake = stopped_meanwhile;
  if (point != DelayPoint::kTakingBack || handshake == nullptr) return;
  stopped_meanwhile = nullptr;
  EXPECT(handshake->TryStop(0));
}

// Another heap is stopped between the two: what was taken is given back until that is over.
void AWaitComesBackInAllHeapsOrInNone() {
  Handshake first, second;
  // The last one attached is taken first.
  Member b(&second), a(&first);
  a.Run();
  b.Run();
  std::atomic<bool> asleep{false};
  std::thread watches([&] {
    while ((b.mutator.state()->load() & kMutatorAsleep) == 0) CpuRelax();
    EXPECT(!a.runs() && !b.runs());
    EXPECT(Stop(first));
    first.Resume();
    asleep.store(true);
    second.Resume();
  });
  {
    const ThreadWait wait(WaitWatch::Never());
    stopped_meanwhile = &second;
    SetDelayHook(StopMeanwhile);
  }
  EXPECT(asleep.load() && a.runs() && b.runs());
  SetDelayHook(nullptr);
  watches.join();
}

void AMutatorThatComesLaterNoticesWhatWasAskedBefore() {
  Handshake first, second;
  Member a(&first);
  a.Run();
  std::thread asks([&] {
    EXPECT(Stop(first, 20'000 * kNsPerMs));
    first.Resume();
  });
  while ((a.mutator.state()->load() & kMutatorStopRequested) == 0) CpuRelax();
  Member b(&second);
  b.Run();
  EXPECT((b.mutator.state()->load() & kMutatorStopElsewhere) != 0);
  EXPECT(StopIfRequested(WaitWatch::Never()));
  asks.join();
}

// A pause of one heap that holds up a change of its mutators holds up no other heap.
void WhoIsHeldUpByAPauseIsParkedInAllHeaps() {
  Handshake first, second;
  Member b(&second);
  b.Run();
  const auto held_up = [&](auto change) {
    EXPECT(Stop(first));
    std::thread watches([&] {
      EXPECT(Stop(second, 20'000 * kNsPerMs));
      second.Resume();
      first.Resume();
    });
    change();
    watches.join();
    EXPECT(b.runs());
  };
  std::unique_ptr<Member> a;
  held_up([&] { a = std::make_unique<Member>(&first); });
  held_up([&] { ChangeRoots(a->mutator, WaitWatch::Never(), [] {}); });
  held_up([&] { a->Run(); });
  EXPECT(a->runs());
  first.Park(&a->mutator);
  held_up([&] { a.reset(); });
}

// Threads that run in all heaps, in an order of their own, and control threads that stop each heap and write what the mutators write.
void ThreadsOfSeveralHeapsNeverWaitForEachOther(uint32_t heaps) {
  std::vector<Handshake> handshakes(heaps);
  std::vector<std::array<uint64_t, 4>> plain(heaps);  // Written by a thread that runs in the heap, and by whoever has stopped it.
  std::atomic<bool> ending{false};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::unique_ptr<Member>> members;
      for (uint32_t i = 0; i < heaps; ++i) members.push_back(std::make_unique<Member>(&handshakes[(i + t) % heaps]));
      for (auto& member : members) member->Run();
      for (uint32_t i = 0; !ending.load(std::memory_order_relaxed); ++i) {
        for (auto& heap : plain) ++heap[t];
        if (t != 2 && i % 3 == 0) {
          const ThreadWait wait(WaitWatch::Never());
          for (auto& member : members) EXPECT(!member->runs());
        }
        // One of its mutators is as good as another.
        if ((members[0]->mutator.state()->load(std::memory_order_relaxed) & (kMutatorStopRequested | kMutatorStopElsewhere)) != 0) {
          EXPECT(StopIfRequested(WaitWatch::Never()));
        }
        for (auto& member : members) EXPECT(member->runs());
      }
    });
  }
  std::atomic<uint64_t> stops{0};
  std::vector<std::thread> controls;
  const uint64_t until = NowNs() + (ShortForm() ? 300 : 1000) * kNsPerMs;
  for (uint32_t h = 0; h < heaps; ++h) {
    controls.emplace_back([&, h] {
      while (NowNs() < until) {
        while (!handshakes[h].TryStop(kNsPerMs)) {
        }
        for (uint64_t& value : plain[h]) ++value;
        handshakes[h].Resume();
        stops.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (std::thread& control : controls) control.join();
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT(stops.load() > heaps);
}

void RootsOfAParkedMutatorChangeOutsidePauses() {
  Handshake handshake;
  std::atomic<bool> ending{false};
  std::vector<uint32_t> roots;
  std::atomic<bool> attached{false};
  std::thread changes([&] {
    Member member(&handshake);
    attached.store(true);
    while (!ending.load(std::memory_order_relaxed)) {
      ChangeRoots(member.mutator, WaitWatch::Never(), [&] { roots.push_back(1); });
      ChangeRoots(member.mutator, WaitWatch::Never(), [&] { roots.pop_back(); });
    }
  });
  while (!attached.load()) CpuRelax();
  for (const uint64_t until = NowNs() + (ShortForm() ? 100 : 300) * kNsPerMs; NowNs() < until;) {
    sched_yield();
    while (!Stop(handshake)) {
    }
    const size_t count = roots.size();
    for (const uint64_t end = NowNs() + 50 * kNsPerUs; NowNs() < end;) EXPECT(roots.size() == count);
    handshake.Resume();
  }
  ending.store(true);
  changes.join();
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  AWaitParksWhatRunsAndNothingElse();
  AThreadStandsStillUnlessItsProgramRuns();
  AScriptThatIsCutShortRunsUnderARequestButNotInAPause();
  AWaitComesBackInAllHeapsOrInNone();
  AMutatorThatComesLaterNoticesWhatWasAskedBefore();
  WhoIsHeldUpByAPauseIsParkedInAllHeaps();
  ThreadsOfSeveralHeapsNeverWaitForEachOther(2);
  ThreadsOfSeveralHeapsNeverWaitForEachOther(3);
  RootsOfAParkedMutatorChangeOutsidePauses();
  return 0;
}
