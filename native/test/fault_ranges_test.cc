// Fault ranges: a touch is served by the heap whose view it lies in, also while other heaps come and go.
#include "os/fault_ranges.h"

#include <atomic>
#include <thread>

#include "os/delays.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr size_t kGiB = size_t{1} << 30;
// Nobody looks at what lies there.
uint8_t* const kBase = reinterpret_cast<uint8_t*>(uintptr_t{64} * kGiB);

struct Served {
  std::atomic<uint64_t> times{0};
  std::atomic<uintptr_t> last{0};
};
bool Serve(void* served, uintptr_t address) {
  static_cast<Served*>(served)->times.fetch_add(1);
  static_cast<Served*>(served)->last.store(address);
  return true;
}
bool Refuse(void*, uintptr_t) { return false; }

void ATouchIsServedByTheHeapThatItLiesIn() {
  Served low;
  Served high;
  const int first = AddFaultRange(kBase, kGiB, Serve, &low);
  const int second = AddFaultRange(kBase + 2 * kGiB, kGiB, Serve, &high);
  const int third = AddFaultRange(kBase + 4 * kGiB, kGiB, Refuse, nullptr);
  const auto at = [](size_t offset) { return reinterpret_cast<uintptr_t>(kBase) + offset; };
  EXPECT(ServeInRange(at(0)) && ServeInRange(at(kGiB - 1)) && low.times == 2 && low.last == at(kGiB - 1));
  EXPECT(!ServeInRange(at(kGiB)) && !ServeInRange(at(2 * kGiB) - 1) && !ServeInRange(at(0) - 1) && !ServeInRange(0));
  EXPECT(ServeInRange(at(2 * kGiB)) && high.times == 1);
  EXPECT(!ServeInRange(at(4 * kGiB)));
  RemoveFaultRange(first);
  EXPECT(!ServeInRange(at(0)) && ServeInRange(at(2 * kGiB)));
  RemoveFaultRange(second);
  RemoveFaultRange(third);
  EXPECT(!ServeInRange(at(2 * kGiB)) && low.times == 2 && high.times == 2);
}

int slot_of_others = -1;
Served others;

// A slot that a small heap below the touched one has left goes to a large one above it: start and length never belong together.
void ASlotThatChangesHandsWhileItIsReadServesNobody() {
  Served ours;
  slot_of_others = AddFaultRange(kBase, kGiB, Serve, &others);
  const int slot = AddFaultRange(kBase + 4 * kGiB, kGiB, Serve, &ours);
  EXPECT(slot_of_others < slot);
  SetDelayHook([](DelayPoint point) {
    if (point != DelayPoint::kRangeFound || slot_of_others < 0) return;
    const int before = slot_of_others;
    slot_of_others = -1;
    RemoveFaultRange(before);
    EXPECT(AddFaultRange(kBase + 16 * kGiB, 17 * kGiB, Serve, &others) == before);
  });
  EXPECT(ServeInRange(reinterpret_cast<uintptr_t>(kBase) + 4 * kGiB + 8));
  SetDelayHook(nullptr);
  EXPECT(slot_of_others == -1 && ours.times == 1 && others.times == 0);
  RemoveFaultRange(slot);
  RemoveFaultRange(0);
}

void HeapsThatComeAndGoTakeNoTouchOfOthers() {
  Served ours;
  others.times = 0;
  int moving = AddFaultRange(kBase, kGiB, Serve, &others);
  const int slot = AddFaultRange(kBase + 4 * kGiB, kGiB, Serve, &ours);
  std::atomic<bool> ending{false};
  std::thread heaps([&] {
    for (bool small = false; !ending.load(std::memory_order_relaxed); small = !small) {
      RemoveFaultRange(moving);
      moving = small ? AddFaultRange(kBase, kGiB, Serve, &others) : AddFaultRange(kBase + 16 * kGiB, 17 * kGiB, Serve, &others);
    }
  });
  const uint64_t touches = ShortForm() ? 200'000 : 2'000'000;
  for (uint64_t i = 0; i < touches; ++i) EXPECT(ServeInRange(reinterpret_cast<uintptr_t>(kBase) + 4 * kGiB));
  ending = true;
  heaps.join();
  EXPECT(ours.times == touches && others.times == 0);
  RemoveFaultRange(moving);
  RemoveFaultRange(slot);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  ATouchIsServedByTheHeapThatItLiesIn();
  ASlotThatChangesHandsWhileItIsReadServesNobody();
  HeapsThatComeAndGoTakeNoTouchOfOthers();
  return 0;
}
