// Pins: the mapping shows what the object holds, also to system calls and while pages of the mutator view are missing; a pinned object
// stays alive and in place; a revoked mapping shows nothing of the heap.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/pinned_mapping.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint32_t kBytes = 3 * kPageBytes + 100;

// As allocatePinnable does it (src/heap/mutator.ts): the steps for large objects, whatever the size.
WordIndex AllocatePinnable(TestHeap* test, TestMutator* mutator, ShapeId shape, uint32_t bytes) {
  const uint64_t words = test->heap.shapes[shape].Words(bytes);
  const Allocation allocation = BeginLarge(test->heap, mutator->mutator(), words, test->heap.KindOf(shape));
  EXPECT(allocation.answer == AllocationAnswer::kObject);
  mutator->Park();
  for (uint64_t done = 0; done < words;) {
    Result<uint64_t> piece = ZeroLargePiece(test->heap, mutator->mutator(), words, done);
    EXPECT(piece.ok());
    done = piece.value();
  }
  mutator->Unpark();
  CommitLarge(test->heap, mutator->mutator(), words);
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
  const WordIndex object = AllocatePinnable(&test, &mutator, bytes, kBytes);
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
  EXPECT(test.heap.regions.use(RegionOf(object)).state != RegionState::kLarge);
  mutator.Unpark();
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
  ShowsNothingWhenRevoked();
  std::printf("pins: ok\n");
  return 0;
}
