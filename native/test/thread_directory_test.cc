// The directory of threads: a reader never gets another thread's mutator, also while threads come and go.
#include "heap/thread_directory.h"

#include "heap/mutator.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

struct Named {
  explicit Named(uint32_t thread) : mutator(nullptr, control, 0, 0) { mutator.thread = thread; }
  uint32_t control[control::kSlots] = {};
  Mutator mutator;
};

void FindsWhoIsThereAndNobodyElse() {
  ThreadDirectory threads;
  Named one(1);
  Named two(2);
  threads.Add(1, &one.mutator);
  threads.Add(2, &two.mutator);
  EXPECT(threads.Find(1) == &one.mutator && threads.Find(2) == &two.mutator && threads.Find(3) == nullptr);
  threads.Remove(1);
  EXPECT(threads.Find(1) == nullptr && threads.Find(2) == &two.mutator);
  threads.Remove(1);
  Named three(3);
  threads.Add(3, &three.mutator);
  EXPECT(threads.Find(3) == &three.mutator && threads.Find(2) == &two.mutator);
}

// More come than there is room for: they work, only their faults are nobody's.
void IsFullWithoutHarm() {
  auto threads = std::make_unique<ThreadDirectory>();
  Named named(1);
  for (uint32_t thread = 1; thread <= ThreadDirectory::kEntries + 10; ++thread) threads->Add(thread, &named.mutator);
  EXPECT(threads->Find(ThreadDirectory::kEntries) == &named.mutator);
  EXPECT(threads->Find(ThreadDirectory::kEntries + 1) == nullptr);
  threads->Remove(ThreadDirectory::kEntries + 1);
}

// What is found stays valid until EndReading, and is of the thread that was asked for.  Entries are reused at once here, which is
// what a removal that frees its entry too early does not survive.
void TheReaderNeverGetsAnothersMutator() {
  ThreadDirectory directory;
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> found{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 1; t <= 2; ++t) {
    threads.emplace_back([&, t] {
      while (!ending.load(std::memory_order_relaxed)) {
        auto named = std::make_unique<Named>(t);
        directory.Add(t, &named->mutator);
        sched_yield();
        directory.Remove(t);
      }
    });
  }
  for (uint64_t round = 0, end = ShortForm() ? 20'000 : 200'000; round < end; ++round) {
    const uint32_t thread = 1 + round % 2;
    directory.BeginReading();
    if (const Mutator* mutator = directory.Find(thread); mutator != nullptr) {
      EXPECT(mutator->thread == thread);
      found.fetch_add(1, std::memory_order_relaxed);
    }
    directory.EndReading();
    if (round % 64 == 0) sched_yield();
  }
  ending.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  EXPECT(found.load() > 0);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  FindsWhoIsThereAndNobodyElse();
  IsFullWithoutHarm();
  TheReaderNeverGetsAnothersMutator();
  return 0;
}
