// Page states under concurrency: each page is built exactly once a cycle, and nobody goes on before it is built.
//
// "Building" a page here writes plain, unsynchronized memory: if the protocol did not order it, ThreadSanitizer would say
// so, and a reader would see a half-written page.
#include <cinttypes>

#include "heap/page_states.h"
#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint32_t kPages = 64;

struct Page {
  uint64_t content[8] = {};
  uint32_t builds = 0;
};

void ManyThreadsFightForTheSamePagesOverManyCycles(uint64_t seed) {
  PageStates states;
  EXPECT(states.Create(kPages).ok());
  std::vector<Page> pages(kPages);
  const uint32_t cycles = ShortForm() ? 300 : 3000;
  constexpr uint32_t kThreads = 4;
  std::atomic<uint32_t> arrived{0};
  std::atomic<uint32_t> cycle_now{1};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(seed + t);
      for (uint32_t cycle = 1; cycle <= cycles; ++cycle) {
        while (cycle_now.load(std::memory_order_acquire) != cycle) sched_yield();
        const uint32_t first = random.Below(kPages);
        for (uint32_t i = 0; i < kPages; ++i) {
          const PageIndex page = (first + i) % kPages;
          if (states.TryClaim(page, cycle)) {
            for (uint64_t& word : pages[page].content) {
              word = uint64_t{cycle} * kPages + page;
              if (random.Chance(1)) sched_yield();
            }
            ++pages[page].builds;
            states.Publish(page, cycle);
          } else {
            states.AwaitBuilt(page, cycle);
          }
          EXPECT(states.Load(page, cycle) >= PageState::kBuilt);
          for (const uint64_t word : pages[page].content) EXPECT(word == uint64_t{cycle} * kPages + page);
          if (random.Chance(50)) states.SetMapped(page, cycle);
        }
        if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == kThreads * cycle) {
          cycle_now.store(cycle + 1, std::memory_order_release);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Page& page : pages) EXPECT(page.builds == cycles);
}

void AWordOfAnotherCycleCountsAsUntouched() {
  PageStates states;
  EXPECT(states.Create(4).ok());
  EXPECT(states.Load(1, 7) == PageState::kUntouched);
  EXPECT(states.TryClaim(1, 7));
  EXPECT(!states.TryClaim(1, 7));
  EXPECT(states.Load(1, 7) == PageState::kBuilding && states.Load(1, 8) == PageState::kUntouched);
  states.Publish(1, 7);
  EXPECT(states.Load(1, 7) == PageState::kBuilt && !states.TryClaim(1, 7));
  states.SetMapped(1, 7);
  EXPECT(states.Load(1, 7) == PageState::kMapped && !states.TryClaim(1, 7));
  EXPECT(states.Load(1, 8) == PageState::kUntouched && states.TryClaim(1, 8));
  states.SetMapped(2, 8);  // A fresh page of the allocator.
  EXPECT(!states.TryClaim(2, 8));
  // Nobody waits for another cycle's builder.
  states.AwaitBuilt(1, 7);
}

void AWaiterIsWokenByThePublisherAndNotByItsTimeLimit() {
  PageStates states;
  EXPECT(states.Create(1).ok());
  constexpr uint32_t kRounds = 24;
  uint32_t prompt = 0;
  for (uint32_t cycle = 1; cycle <= kRounds; ++cycle) {
    EXPECT(states.TryClaim(0, cycle));
    std::atomic<uint64_t> woken_ns{0};
    std::thread waiter([&] {
      states.AwaitBuilt(0, cycle);
      woken_ns.store(NowNs());
    });
    const timespec pause = {0, 12'000'000 + static_cast<long>(cycle) * 97'000};  // Past the first of the waiter's limits.
    nanosleep(&pause, nullptr);
    EXPECT(woken_ns.load() == 0);  // Nobody proceeds before the page is built.
    const uint64_t published = NowNs();
    states.Publish(0, cycle);
    waiter.join();
    prompt += woken_ns.load() - published < 2 * kNsPerMs ? 1 : 0;
  }
  EXPECT(prompt > kRounds / 2);  // A wake-up that is lost costs up to 10 ms each time.
}

void CycleNumbersStartAgainAfterAReset() {
  PageStates states;
  EXPECT(states.Create(2).ok());
  const uint32_t last = PageStates::kCycleLimit - 1;
  EXPECT(states.TryClaim(0, last));
  states.Publish(0, last);
  EXPECT(states.Load(0, last) == PageState::kBuilt);
  EXPECT(states.Load(0, 1) == PageState::kUntouched);
  EXPECT(states.TryClaim(1, 1));
  states.Publish(1, 1);
  states.Reset();
  // A word that was left by the first cycle 1 must not stand for the second one.
  EXPECT(states.Load(1, 1) == PageState::kUntouched && states.TryClaim(1, 1));
  states.Publish(1, 1);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261124);
  AWordOfAnotherCycleCountsAsUntouched();
  CycleNumbersStartAgainAfterAReset();
  AWaiterIsWokenByThePublisherAndNotByItsTimeLimit();
  ManyThreadsFightForTheSamePagesOverManyCycles(seed);
  return 0;
}
