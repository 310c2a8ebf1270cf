// Pins: the mapping shows what the object holds, also to system calls and while pages of the mutator view are missing; a pinned object
// stays alive and in place, and shares its region with others of its sort; a revoked mapping shows nothing of the heap.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "child.h"
#include "os/pinned_mapping.h"

namespace faultline::test {
namespace {

constexpr uint32_t kBytes = 3 * kPageBytes + 100;

WordIndex NewPinnable(TestHeap* test, TestMutator* mutator, ShapeId shape, uint32_t bytes) {
  const Allocation allocation = AllocatePinnable(test->heap, mutator->mutator(), test->heap.shapes[shape].Words(bytes));
  EXPECT(allocation.answer == AllocationAnswer::kObject);
  mutator->slots(allocation.object)[1] = bytes;
  mutator->slots(allocation.object)[0] = shape;
  return allocation.object;
}

// Through the kernel and back.
void CheckThroughPipe(uint8_t* data, uint8_t expected) {
  int ends[2];
  EXPECT(pipe(ends) == 0);
  EXPECT(write(ends[1], data, kBytes) == static_cast<ssize_t>(kBytes));
  std::vector<uint8_t> copy(kBytes);
  EXPECT(read(ends[0], copy.data(), kBytes) == static_cast<ssize_t>(kBytes));
  for (const uint8_t byte : copy) EXPECT(byte == expected);
  memset(copy.data(), expected + 1, kBytes);
  EXPECT(write(ends[1], copy.data(), kBytes) == static_cast<ssize_t>(kBytes));
  EXPECT(read(ends[0], data, kBytes) == static_cast<ssize_t>(kBytes));
  close(ends[0]);
  close(ends[1]);
}

void LivesAndStays(FaultModeKind mode) {
  TestHeap test({.mode = mode});
  const ShapeId bytes = test.DefineShape(0, 0, ElementKind::kData, 0);
  const ShapeId cell = test.DefineShape(1, 5);
  TestMutator mutator(&test);
  const WordIndex object = NewPinnable(&test, &mutator, bytes, kBytes);
  const WordIndex moving = mutator.Allocate(bytes, 100);
  const WordIndex references = mutator.Allocate(cell);
  EXPECT(Pins::CanPin(test.heap, object));
  EXPECT(!Pins::CanPin(test.heap, moving) && !Pins::CanPin(test.heap, references) && !Pins::CanPin(test.heap, object + 1));
  EXPECT(!Pins::CanPin(test.heap, ~0u));

  PinnedMapping mapping;
  EXPECT(mapping.Create(test.heap.file, (size_t{object} + 1) * kWordBytes, kBytes).ok());
  // Nothing else leads to it.
  const Pins::Pin pin = test.heap.pins.Add(test.heap, object, kBytes);
  EXPECT(test.heap.pins.count() == 1 && test.heap.pins.bytes() == kBytes);
  uint8_t expected = 0;
  for (uint32_t cycle = 0; cycle < 20; ++cycle) {
    for (uint32_t i = 0; i < 5000; ++i) {
      const WordIndex made = mutator.Allocate(cell);
      EXPECT(made != 0);
      if (i % 3 == 0) mutator.handle(i) = made;
    }
    mutator.Park();
    test.CollectUntilFlip();
    // Pages of the mutator view are missing now, and nobody has built them.
    CheckThroughPipe(mapping.data(), expected++);
    test.FinishCollection();
    mutator.Unpark();
    EXPECT(mutator.slots(object)[0] == bytes && mutator.slots(object)[1] == kBytes);
    const uint8_t* const through_view = reinterpret_cast<uint8_t*>(mutator.words(object + 1));
    for (uint32_t i = 0; i < kBytes; ++i) EXPECT(through_view[i] == expected);
  }
  mapping.Revoke(false);
  test.heap.pins.Remove(pin);
  EXPECT(test.heap.pins.count() == 0 && test.heap.pins.bytes() == 0);
  mutator.Park();
  test.Collect();
  mutator.Unpark();
  EXPECT(!Pins::CanPin(test.heap, object));
}

// Each has whole pages; two regions full of them, at the back.
struct Shared {
  static constexpr uint32_t kPages = kBytes / kPageBytes + 1;
  static constexpr uint32_t kInRegion = kRegionPages / kPages;
  static constexpr uint32_t kObjects = 2 * kInRegion;

  Shared() {
    mutator.handle(kObjects) = mutator.Allocate(bytes, 100);
    charged = test.heap.regions.charged();
    for (uint32_t i = 0; i < kObjects; ++i) {
      const WordIndex object = NewPinnable(&test, &mutator, bytes, kBytes);
      // What lies on its other pages may look like an object.
      for (uint32_t page = 1; page < kPages; ++page) mutator.words(object + page * kPageWords)[0] = mutator.words(object)[0];
      mutator.words(object)[5] = i;
      mutator.handle(i) = object;
    }
  }
  uint32_t SharedRegions() { return test.heap.regions.charged() - charged; }
  void Collect() {
    mutator.Park();
    test.Collect();
    mutator.Unpark();
  }

  TestHeap test{{.workers = 0, .mode = FaultModeKind::kStw}};
  const ShapeId bytes = test.DefineShape(0, 0, ElementKind::kData, 0);
  TestMutator mutator{&test};
  uint32_t charged = 0;
};

void SmallOnesShareRegionsThatDoNotMove() {
  Shared f;
  Heap& heap = f.test.heap;
  EXPECT(f.SharedRegions() == 2);
  std::vector<WordIndex> places;
  for (uint32_t i = 0; i < Shared::kObjects; ++i) {
    const WordIndex object(f.mutator.handle(i));
    EXPECT(heap.regions.use(RegionOf(object)).kind == RegionKind::kPinnable && RegionOf(object) >= heap.regions.count() - 2);
    EXPECT(Pins::CanPin(heap, object) && !Pins::CanPin(heap, object + 1));
    for (uint32_t page = 1; page < Shared::kPages; ++page) EXPECT(!Pins::CanPin(heap, object + page * kPageWords));
    places.push_back(object);
  }
  const WordIndex moving(f.mutator.handle(Shared::kObjects));
  f.Collect();
  EXPECT(f.mutator.handle(Shared::kObjects) != moving);
  for (uint32_t i = 0; i < Shared::kObjects; ++i) EXPECT(f.mutator.handle(i) == places[i] && f.mutator.words(places[i])[5] == i);
  // A region is free when all of its objects are dead; one that is pinned is not.
  const Pins::Pin pin = heap.pins.Add(heap, places[0], kBytes);
  for (uint32_t i = 0; i < Shared::kObjects; ++i) f.mutator.handle(i) = 0;
  f.Collect();
  EXPECT(f.SharedRegions() == 1 && Pins::CanPin(heap, places[0]) && f.mutator.words(places[0])[5] == 0);
  EXPECT(!Pins::CanPin(heap, places[Shared::kInRegion]));
  heap.pins.Remove(pin);
  f.Collect();
  EXPECT(f.SharedRegions() == 0);
  // What is left of a region is for the next ones, also after a collection.
  f.mutator.handle(0) = NewPinnable(&f.test, &f.mutator, f.bytes, kBytes);
  f.Collect();
  f.mutator.handle(1) = NewPinnable(&f.test, &f.mutator, f.bytes, kBytes);
  EXPECT(f.mutator.handle(1) == f.mutator.handle(0) + Shared::kPages * kPageWords && f.SharedRegions() == 1);
}

void ThePlanOfAPinnableRegionEndsTheProcess() {
  const Death death = InChild([] {
    Shared f;
    f.mutator.Park();
    f.test.collector->BeginCollection();
    f.test.Mark();
    f.test.collector->Sweep();
    f.test.collector->MakePlan({RegionOf(WordIndex(f.mutator.handle(0)))}, 1);
  });
  EXPECT(death.died() && death.said.find("(N)") != std::string::npos);
}

void ShowsNothingWhenRevoked() {
  TestHeap test({});
  for (const bool readable : {false, true}) {
    PinnedMapping mapping;
    EXPECT(mapping.Create(test.heap.file, 5 * kRegionBytes + 24, kBytes).ok());
    memset(mapping.data(), 7, kBytes);
    EXPECT(test.heap.views.alias()[5 * kRegionBytes + 24] == 7);
    mapping.Revoke(readable);
    int ends[2];
    EXPECT(pipe(ends) == 0);
    const ssize_t written = write(ends[1], mapping.data(), 100);
    if (readable) {
      EXPECT(written == 100);
      for (uint32_t i = 0; i < kBytes; ++i) EXPECT(mapping.data()[i] == 0);
      mapping.data()[0] = 9;
    } else {
      EXPECT(written == -1 && errno == EFAULT);
    }
    EXPECT(test.heap.views.alias()[5 * kRegionBytes + 24] == 7);
    close(ends[0]);
    close(ends[1]);
  }
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const FaultModeKind mode : RawLoadModes()) LivesAndStays(mode);
  SmallOnesShareRegionsThatDoNotMove();
  ThePlanOfAPinnableRegionEndsTheProcess();
  ShowsNothingWhenRevoked();
  std::printf("pins: ok\n");
  return 0;
}
