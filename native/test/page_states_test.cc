// Page states under concurrency: each page is built exactly once a cycle, and no thread goes on before it is built.
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
          const PageIndex page((first + i) % kPages);
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
          if (random.Chance(50)) states.NoteMapped(page, cycle);
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
  EXPECT(states.Load(1_page, 7) == PageState::kUntouched);
  EXPECT(states.TryClaim(1_page, 7));
  EXPECT(!states.TryClaim(1_page, 7));
  EXPECT(states.Load(1_page, 7) == PageState::kBuilding && states.Load(1_page, 8) == PageState::kUntouched);
  states.Publish(1_page, 7);
  EXPECT(states.Load(1_page, 7) == PageState::kBuilt && !states.TryClaim(1_page, 7));
  states.NoteMapped(1_page, 7);
  EXPECT(states.Load(1_page, 7) == PageState::kMapped && !states.TryClaim(1_page, 7));
  EXPECT(states.Load(1_page, 8) == PageState::kUntouched && states.TryClaim(1_page, 8));
  states.HandOut(2_page, 8);  // A fresh page of the allocator.
  EXPECT(!states.TryClaim(2_page, 8));
  // Nobody waits for another cycle's builder.
  states.AwaitBuilt(1_page, 7);
}

// Each operation in each state does what the table says, and nothing where the table has no row.
void EveryOperationDoesWhatTheTableSays() {
  constexpr uint32_t kOld = 7;
  constexpr uint32_t kNow = 8;
  const auto bring_to = [](PageStates& states, PageState state, uint32_t cycle) {
    if (state == PageState::kUntouched) return;
    EXPECT(states.TryClaim(0_page, cycle));
    if (state == PageState::kBuilding) return;
    states.Publish(0_page, cycle);
    if (state == PageState::kMapped) states.NoteMapped(0_page, cycle);
  };
  const auto row_of = [](PageOperation operation, PageState from) -> const PageTransition* {
    for (const PageTransition& row : kPageTransitions) {
      if (row.operation == operation && row.from == from) return &row;
    }
    return nullptr;
  };
  for (uint32_t before = 0; before < 4; ++before) {
    for (uint32_t state = 0; state < 4; ++state) {
      for (const PageTransition& any : kPageTransitions) {
        PageStates states;
        EXPECT(states.Create(1).ok());
        // Whatever an earlier cycle left behind makes no difference.
        bring_to(states, static_cast<PageState>(before), kOld);
        const PageState from = static_cast<PageState>(state);
        bring_to(states, from, kNow);
        const PageTransition* const row = row_of(any.operation, from);
        switch (any.operation) {
          case PageOperation::kClaim:
            EXPECT(states.TryClaim(0_page, kNow) == (row != nullptr));
            break;
          case PageOperation::kPublish:
            if (row != nullptr) states.Publish(0_page, kNow);
            break;
          case PageOperation::kNoteMapped:
            if (row != nullptr) states.NoteMapped(0_page, kNow);
            break;
          case PageOperation::kHandOut:
            if (row != nullptr) states.HandOut(0_page, kNow);
            break;
          case PageOperation::kAwait:
            if (row == nullptr) states.AwaitBuilt(0_page, kNow);  // Returns at once.
            break;
        }
        EXPECT(states.Load(0_page, kNow) == (row != nullptr ? row->to : from));
      }
    }
  }
}

void AWaiterIsWokenByThePublisherAndNotByItsTimeLimit() {
  PageStates states;
  EXPECT(states.Create(1).ok());
  constexpr uint32_t kRounds = 24;
  uint32_t prompt = 0;
  for (uint32_t cycle = 1; cycle <= kRounds; ++cycle) {
    EXPECT(states.TryClaim(0_page, cycle));
    std::atomic<uint64_t> woken_ns{0};
    std::thread waiter([&] {
      states.AwaitBuilt(0_page, cycle);
      woken_ns.store(NowNs());
    });
    const timespec pause = {0, 12'000'000 + static_cast<long>(cycle) * 97'000};  // Past the first of the waiter's limits.
    nanosleep(&pause, nullptr);
    EXPECT(woken_ns.load() == 0);  // Nobody proceeds before the page is built.
    const uint64_t published = NowNs();
    states.Publish(0_page, cycle);
    waiter.join();
    prompt += woken_ns.load() - published < 2 * kNsPerMs ? 1 : 0;
  }
  EXPECT(prompt > kRounds / 2);  // A wake-up that is lost costs up to 10 ms each time.
}

void CycleNumbersStartAgainAfterAReset() {
  PageStates states;
  EXPECT(states.Create(2).ok());
  const uint32_t last = PageStates::kCycleLimit - 1;
  EXPECT(states.TryClaim(0_page, last));
  states.Publish(0_page, last);
  EXPECT(states.Load(0_page, last) == PageState::kBuilt);
  EXPECT(states.Load(0_page, 1) == PageState::kUntouched);
  EXPECT(states.TryClaim(1_page, 1));
  states.Publish(1_page, 1);
  states.Reset();
  // A word that was left by the first cycle 1 must not stand for the second one.
  EXPECT(states.Load(1_page, 1) == PageState::kUntouched && states.TryClaim(1_page, 1));
  states.Publish(1_page, 1);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 20261124);
  AWordOfAnotherCycleCountsAsUntouched();
  EveryOperationDoesWhatTheTableSays();
  CycleNumbersStartAgainAfterAReset();
  AWaiterIsWokenByThePublisherAndNotByItsTimeLimit();
  ManyThreadsFightForTheSamePagesOverManyCycles(seed);
  return 0;
}
