// The two places where all threads meet: the gate that builders pass through, and the handshake that stops the world.
#include <cinttypes>

#include "gc/compaction/compaction_gate.h"
#include "os/clock.h"
#include "os/delays.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

uint64_t In(uint64_t ms) { return NowNs() + ms * kNsPerMs; }

// --- Gate ---------------------------------------------------------------------------------------------------------------

void NobodyIsInsideAfterTheGateIsClosed() {
  CompactionGate gate;
  uint64_t plain = 0;  // Written by the control thread while closed, read by those inside: ordered by the gate alone.
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> entered{0};
  std::vector<std::thread> threads;
  EXPECT(!gate.Enter());
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!ending.load(std::memory_order_relaxed)) {
        if (!gate.Enter()) {
          sched_yield();
          continue;
        }
        const uint64_t seen = plain;
        for (uint32_t i = 0; i < 20; ++i) CpuRelax();
        EXPECT(plain == seen && seen % 2 == 0);
        gate.Leave();
        entered.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (const uint64_t end = In(ShortForm() ? 400 : 1500); NowNs() < end;) {
    gate.Open();
    EXPECT(gate.is_open());
    const uint64_t before = entered.load();
    const uint64_t until = In(20);
    while (entered.load() == before && NowNs() < until) sched_yield();
    while (!gate.TryClose(In(1))) {
    }
    EXPECT(!gate.is_open());
    ++plain;  // Odd: nobody may see this.
    ++plain;
  }
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT(entered.load() > 0);
}

void ClosingGivesUpInTimeAndCanBeTriedAgain() {
  CompactionGate gate;
  gate.Open();
  EXPECT(gate.Enter());
  const uint64_t begin = NowNs();
  EXPECT(!gate.TryClose(In(5)));
  EXPECT(NowNs() - begin >= 5 * kNsPerMs && NowNs() - begin < 2000 * kNsPerMs);
  EXPECT(!gate.Enter());  // Closed for newcomers all the same.
  gate.Leave();
  EXPECT(gate.TryClose(In(1000)));
}

// --- Handshake ----------------------------------------------------------------------------------------------------------

struct Native {
  explicit Native(Handshake* handshake) : handshake(handshake), mutator(nullptr, control, 0, 0) { handshake->Add(&mutator); }
  ~Native() { handshake->Remove(&mutator); }
  bool TryUnpark(uint64_t limit_ns) {
    const uint64_t end = NowNs() + limit_ns;
    while (!handshake->TryRun(&mutator)) {
      const uint64_t now = NowNs();
      if (now >= end) return false;
      handshake->AwaitResume(&mutator, end - now);
    }
    return true;
  }
  void Unpark() {
    while (!TryUnpark(kNsPerMs)) {
    }
  }
  void Poll() {
    if ((mutator.state()->load(std::memory_order_relaxed) & kMutatorStopRequested) == 0) return;
    handshake->Park(&mutator);
    Unpark();
  }
  Handshake* handshake;
  alignas(64) uint32_t control[64] = {};
  Mutator mutator;
};

// Mutators that run, poll, park, end and start again, against a control thread that stops them and then writes memory
// without any protection but the stop.
void StopMeansStopped(uint64_t seed) {
  Handshake handshake;
  std::atomic<bool> ending{false};
  uint64_t plain[8] = {};  // Slot t is written by mutator t while it runs, all of them by control while stopped.
  std::atomic<uint64_t> polls{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Random random(seed + t);
      while (!ending.load(std::memory_order_relaxed)) {
        Native native(&handshake);
        native.Unpark();
        for (uint32_t i = random.Below(300); i > 0; --i) {
          const uint64_t before = plain[t];
          plain[t] = before + 1;
          EXPECT(plain[t] == before + 1);
          if (random.Chance(5)) {
            handshake.Park(&native.mutator);
            if (random.Chance(20)) sched_yield();
            native.Unpark();
          } else {
            native.Poll();
          }
          polls.fetch_add(1, std::memory_order_relaxed);
        }
        if (random.Chance(50)) handshake.Park(&native.mutator);
      }
    });
  }
  uint32_t stops = 0;
  uint32_t given_up = 0;
  const uint64_t until = In(ShortForm() ? 500 : 1500);
  Random random(seed);
  while (NowNs() < until) {
    if (!handshake.TryStop(random.Chance(20) ? 0 : 50 * kNsPerUs)) {
      if (random.Chance(50)) {
        handshake.Resume();  // Gives the request up.
        ++given_up;
      }
      continue;
    }
    ++stops;
    const size_t mutators = handshake.mutators().size();
    uint64_t seen[8];
    for (uint32_t t = 0; t < 4; ++t) seen[t] = ++plain[t];
    const uint64_t pause_end = NowNs() + random.Below(100) * kNsPerUs;
    do {
      // Nobody comes or goes while somebody may walk over the list.
      EXPECT(handshake.mutators().size() == mutators);
      for (Mutator* mutator : handshake.mutators()) EXPECT((mutator->state()->load() & kMutatorRunning) == 0);
      for (uint32_t t = 0; t < 4; ++t) EXPECT(plain[t] == seen[t]);
    } while (NowNs() < pause_end);
    EXPECT(handshake.stopped_ns() >= handshake.requested_ns());
    handshake.Resume();
    if (random.Chance(50)) sched_yield();
  }
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT(handshake.count() == 0);
  std::printf("%u stops, %u given up, %" PRIu64 " polls\n", stops, given_up, polls.load());
  EXPECT(stops > 0 && polls.load() > 0);
}

void TimeLimitsAreKept() {
  Handshake handshake;
  Native one(&handshake);
  one.Unpark();
  const uint64_t begin = NowNs();
  EXPECT(!handshake.TryStop(5 * kNsPerMs));  // The mutator does not poll.
  EXPECT(NowNs() - begin >= 5 * kNsPerMs && NowNs() - begin < 3000 * kNsPerMs);
  handshake.Park(&one.mutator);
  EXPECT(handshake.TryStop(kNsPerMs));
  const uint64_t unpark = NowNs();
  EXPECT(!one.TryUnpark(5 * kNsPerMs));
  EXPECT(NowNs() - unpark >= 5 * kNsPerMs && NowNs() - unpark < 3000 * kNsPerMs);
  handshake.Resume();
  EXPECT(one.TryUnpark(0));
}

void ARunningMutatorIsNudgedOnceAndAParkedOneNever() {
  Handshake handshake;
  Native running(&handshake);
  Native parked(&handshake);
  std::atomic<uint32_t> nudges[2] = {0, 0};
  const auto count = [](void* counter) { static_cast<std::atomic<uint32_t>*>(counter)->fetch_add(1); };
  running.mutator.nudge = parked.mutator.nudge = count;
  running.mutator.nudge_context = &nudges[0];
  parked.mutator.nudge_context = &nudges[1];
  running.Unpark();
  for (uint32_t i = 0; i < 5; ++i) EXPECT(!handshake.TryStop(2 * kNsPerMs));
  EXPECT(nudges[0].load() == 1 && nudges[1].load() == 0);
  handshake.Park(&running.mutator);
  EXPECT(handshake.TryStop(kNsPerMs));
  handshake.Resume();
  running.Unpark();
  EXPECT(!handshake.TryStop(2 * kNsPerMs));  // Another stop, another nudge.
  EXPECT(nudges[0].load() == 2 && nudges[1].load() == 0);
  handshake.Resume();
}

// One that was idle the last time is nudged with the request, and not a second time for being slow.
void AnIdleMutatorIsNudgedAtOnceAndOnlyOnce() {
  Handshake handshake;
  Native native(&handshake);
  std::atomic<uint32_t> nudges{0};
  native.mutator.nudge = [](void* counter) { static_cast<std::atomic<uint32_t>*>(counter)->fetch_add(1); };
  native.mutator.nudge_context = &nudges;
  for (const bool idles : {false, true, false, true}) {
    nudges.store(0);
    native.mutator.idles.store(idles);
    native.Unpark();
    EXPECT(!handshake.TryStop(0));
    if (idles) EXPECT(nudges.load() == 1);  // With the request; the other takes its time.
    EXPECT(!handshake.TryStop(2 * kNsPerMs));
    EXPECT(nudges.load() == 1);
    handshake.Park(&native.mutator);
    EXPECT(handshake.TryStop(kNsPerMs));
    handshake.Resume();
  }
  // A parked one is left alone, whatever it was before.
  nudges.store(0);
  EXPECT(handshake.TryStop(kNsPerMs) && nudges.load() == 0);
  handshake.Resume();
}

// A pause stands still for those who come and go: they wait for its end, and a stop that is only requested holds nobody up.
void ComingAndGoingWaitsForThePauseButNotForTheRequest() {
  Handshake handshake;
  Native stays(&handshake);
  stays.Unpark();
  EXPECT(!handshake.TryStop(kNsPerMs));  // Requested, not stopped.
  {
    Native comes_and_goes(&handshake);
    EXPECT(handshake.count() == 2);
    EXPECT(!comes_and_goes.TryUnpark(0));
  }
  EXPECT(handshake.count() == 1);
  auto leaver = std::make_unique<Native>(&handshake);
  handshake.Park(&stays.mutator);
  EXPECT(handshake.TryStop(kNsPerMs));
  std::atomic<uint32_t> done{0};
  std::thread comes([&] {
    Native native(&handshake);
    done.fetch_add(1);
    native.Unpark();
  });
  std::thread goes([&] {
    leaver.reset();
    done.fetch_add(1);
  });
  const timespec pause = {0, 20'000'000};
  nanosleep(&pause, nullptr);
  EXPECT(done.load() == 0 && handshake.mutators().size() == 2);
  handshake.Resume();
  comes.join();
  goes.join();
  EXPECT(handshake.count() == 1);
}

// Whoever a pause has refused comes in before the next one, however close to each other they are and however late it wakes up.
void NobodyIsRefusedByTwoPausesInARow() {
  static std::atomic<bool> refused;
  static std::atomic<bool> has_a_processor;
  refused.store(false);
  has_a_processor.store(false);
  Handshake handshake;
  EXPECT(handshake.TryStop(kNsPerMs));
  SetDelayHook([](DelayPoint point) {
    if (point != DelayPoint::kHeldUp) return;
    refused.store(true);
    while (!has_a_processor.load()) SleepMs(1);
  });
  std::atomic<bool> leaves{false};
  std::thread comes([&] {
    const Native native(&handshake);
    while (!leaves.load()) SleepMs(1);
  });
  while (!refused.load()) SleepMs(1);
  handshake.Resume();
  EXPECT(!handshake.TryStop(5 * kNsPerMs));
  has_a_processor.store(true);
  EXPECT(handshake.TryStop(10'000 * kNsPerMs));
  EXPECT(handshake.mutators().size() == 1);
  handshake.Resume();
  SetDelayHook(nullptr);
  leaves.store(true);
  comes.join();
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261125);
  ClosingGivesUpInTimeAndCanBeTriedAgain();
  NobodyIsInsideAfterTheGateIsClosed();
  TimeLimitsAreKept();
  ARunningMutatorIsNudgedOnceAndAParkedOneNever();
  AnIdleMutatorIsNudgedAtOnceAndOnlyOnce();
  ComingAndGoingWaitsForThePauseButNotForTheRequest();
  NobodyIsRefusedByTwoPausesInARow();
  StopMeansStopped(seed);
  return 0;
}
