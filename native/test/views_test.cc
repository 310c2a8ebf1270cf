// The mappings of a memory file: what a flip does with their page tables, and which ways of filling them avoid faults.
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "faults_of_writing.h"
#include "os/memory_file.h"
#include "os/page_presence.h"
#include "os/refusals.h"
#include "os/views.h"
#include "os/write_tracking.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr size_t kPages = 16;
constexpr size_t kBytes = kPages * kPageBytes;

// Other threads map and unmap all the time; no flip may leave a hole for them to land in, or destroy what is theirs.
void FlipsLeaveNoHoleForOthersMappings() {
  MemoryFile file;
  EXPECT(file.Create(kBytes).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  const uintptr_t lowest = reinterpret_cast<uintptr_t>(views.alias());
  const uintptr_t highest = reinterpret_cast<uintptr_t>(views.mutator_view()) + views.span_bytes();
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> mappings{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Random random(t);
      while (!ending.load(std::memory_order_relaxed)) {
        // As large as a view, so that the hole of a moved view would fit it exactly.
        const size_t bytes = random.Chance(50) ? views.span_bytes() : (1 + random.Below(100)) * kPageBytes;
        void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) continue;
        EXPECT(reinterpret_cast<uintptr_t>(mapped) + bytes <= lowest || reinterpret_cast<uintptr_t>(mapped) >= highest);
        volatile uint64_t* const mine = static_cast<uint64_t*>(mapped);
        *mine = reinterpret_cast<uintptr_t>(mapped) + t;
        if (random.Chance(30)) sched_yield();
        EXPECT(*mine == reinterpret_cast<uintptr_t>(mapped) + t);
        munmap(mapped, bytes);
        mappings.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  const uint32_t flips = ShortForm() ? 200 : 600;
  for (uint32_t i = 0; i < flips; ++i) {
    views.alias()[0] = static_cast<uint8_t>(i);
    EXPECT(views.MoveToScratch().ok());
    EXPECT(views.mutator_view()[0] == static_cast<uint8_t>(i));
    while (!views.EmptyScratchPiece(size_t{256} << 20)) {
    }
    if (i % 16 == 0) sched_yield();
  }
  ending.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT(mappings.load() > 0);
}

// A move that is refused, and one that is taken back, leave the page tables where they were.
void ARefusedFlipLeavesTheViewAsItWas() {
  MemoryFile file;
  EXPECT(file.Create(kBytes).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  for (const bool moves : {false, true}) {
    EXPECT(views.PopulateMutatorView(0, kBytes).ok());
    if (!moves) ArmRefusal(SystemCall::kMremap, ENOMEM, 0, 1);
    EXPECT(views.MoveToScratch().ok() == moves);
    if (moves) views.MoveBack();
    EXPECT(FaultsOfWriting(views.mutator_view(), kPages) < kPages);
    EXPECT(views.EmptyScratchPiece(1));  // Nothing is left there.
  }
  EXPECT(views.MoveToScratch().ok());
  EXPECT(FaultsOfWriting(views.mutator_view(), kPages) >= kPages);
}

// What lies between the ranges that a flip moves keeps its entries, and so do all when one move is refused.
void AFlipOfSomeRangesLeavesTheOthers() {
  constexpr size_t kAll = 4 * (size_t{2} << 20);
  constexpr size_t kAllPages = kAll / kPageBytes;
  MemoryFile file;
  EXPECT(file.Create(kAll).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  // Whole page tables, a part of one, and one that ends in the middle of one.
  const ViewRange ranges[] = {{0, size_t{2} << 20},
                              {(size_t{2} << 20) + kPageBytes, (size_t{2} << 20) + 3 * kPageBytes},
                              {(size_t{3} << 20), (size_t{6} << 20) + kPageBytes}};
  const auto moves = [&](size_t page) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [&](const ViewRange& range) { return page * kPageBytes >= range.begin && page * kPageBytes < range.end; });
  };
  const auto present = [&](size_t page) {
    const Result<uint64_t> pages = PresentPages(views.mutator_view() + page * kPageBytes, kPageBytes);
    return !pages.ok() || pages.value() == 1;
  };
  if (!PresentPages(views.mutator_view(), kPageBytes).ok()) return;
  for (uint32_t round = 0; round < 3; ++round) {
    for (size_t page = 0; page < kAllPages; ++page) views.mutator_view()[page * kPageBytes] = static_cast<uint8_t>(page + round);
    for (const uint32_t let_through : {0u, 1u, 2u}) {
      ArmRefusal(SystemCall::kMremap, ENOMEM, let_through, 1);
      EXPECT(!views.MoveToScratch(ranges).ok());
      ArmRefusal(SystemCall::kMremap, 0, 0, 0);
      EXPECT(views.scratch_emptied_bytes() == views.span_bytes());
      for (size_t page = 0; page < kAllPages; ++page) EXPECT(present(page));
    }
    EXPECT(views.MoveToScratch(ranges).ok());
    if (round == 1) views.MoveBack();
    for (size_t page = 0; page < kAllPages; ++page) EXPECT(present(page) == (round == 1 || !moves(page)));
    uint32_t pieces = 1;
    while (!views.EmptyScratchPiece(size_t{1} << 20)) ++pieces;
    EXPECT(pieces == (round == 1 ? 1 : 2 + 1 + 4));
    for (size_t page = 0; page < kAllPages; ++page) EXPECT(views.mutator_view()[page * kPageBytes] == static_cast<uint8_t>(page + round));
  }
  EXPECT(views.MoveToScratch().ok());
}

// Where even the way back is refused, the view shows the same pages.
void AFlipThatCannotBeTakenBackLosesNothing() {
  MemoryFile file;
  EXPECT(file.Create(kBytes).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  views.mutator_view()[kPageBytes] = 7;
  EXPECT(views.MoveToScratch().ok());
  ArmRefusal(SystemCall::kMremap, ENOMEM, 0, 1);
  views.MoveBack();
  ArmRefusal(SystemCall::kMremap, 0, 0, 0);
  EXPECT(views.mutator_view()[kPageBytes] == 7);
  EXPECT(!views.EmptyScratchPiece(1));
  while (!views.EmptyScratchPiece(size_t{256} << 20)) {
  }
  EXPECT(views.MoveToScratch().ok());
}

// Behind the end of the file there is nothing: the kernel says SIGBUS there, whatever is registered.
void AFileMayBeShorterThanItsViews() {
  MemoryFile file;
  EXPECT(file.Create(kBytes).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  EXPECT(views.span_bytes() == kViewAlignment);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT(views.PopulateMutatorView(0, kBytes).ok());
    views.mutator_view()[kBytes - 1] = static_cast<uint8_t>(i);
    EXPECT(views.MoveToScratch().ok());
    EXPECT(views.mutator_view()[kBytes - 1] == i && views.alias()[kBytes - 1] == i);
    while (!views.EmptyScratchPiece(size_t{64} << 20)) {
    }
  }
  EXPECT(!views.PopulateMutatorView(kBytes, kPageBytes).ok());
}

// Pages that were mapped by read faults, from the file or new, are written without another fault; those beside them fault.
void MappedPagesAreWrittenWithoutAFault() {
  constexpr size_t kMapped = kPages * kPageBytes;
  MemoryFile file;
  EXPECT(file.Create(2 * kMapped).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  // The first half of the mapped pages is in the file, the second is not.
  EXPECT(views.PopulateAlias(0, kMapped / 2).ok());
  EXPECT(views.MapMutatorView(0, kMapped).ok());
  EXPECT(FaultsOfWriting(views.mutator_view(), kPages) == 0);
  EXPECT(FaultsOfWriting(views.mutator_view() + kMapped, kPages) >= kPages);
  EXPECT(views.alias()[0] == 1 && views.alias()[kMapped - kPageBytes] == 1);
}

// A view that is or was write-tracked: a read fault maps its pages read-only, and populating by reads leaves those that are mapped as they
// are.  Populating for writing spares the fault; so does populating by reads when the entries were taken out of the page table before.
void WriteTrackingLeavesPagesReadOnly() {
  MemoryFile file;
  EXPECT(file.Create(kBytes).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  EXPECT(views.PopulateAlias(0, kBytes).ok());
  WriteTracking tracking;
  EXPECT(tracking.Open().ok());
  uint8_t* const view = views.mutator_view();
  const auto track = [&] { EXPECT(tracking.Begin(view, views.span_bytes()).ok()); };
  const auto release = [&] {
    while (!tracking.ReleasePiece(size_t{1} << 30)) {
    }
  };

  track();
  EXPECT(views.MapMutatorView(0, kBytes).ok());
  EXPECT(FaultsOfWriting(view, kPages) == kPages);
  EXPECT(views.UnmapMutatorView(0, kBytes).ok());
  EXPECT(views.PopulateMutatorView(0, kBytes).ok());
  EXPECT(FaultsOfWriting(view, kPages) == 0);
  // Nothing was armed; the release alone makes them read-only.
  release();
  EXPECT(views.MapMutatorView(0, kBytes).ok());
  EXPECT(FaultsOfWriting(view, kPages) == kPages);

  track();
  release();
  EXPECT(views.PopulateMutatorView(0, kBytes).ok());
  EXPECT(FaultsOfWriting(view, kPages) == 0);

  track();
  release();
  view[0] = 7;
  EXPECT(views.UnmapMutatorView(0, kBytes).ok());
  EXPECT(views.MapMutatorView(0, kBytes).ok());
  EXPECT(view[0] == 7 && views.alias()[0] == 7);  // The file keeps what was written.
  EXPECT(FaultsOfWriting(view, kPages) == 0);

  // Locked memory stays mapped.  By the call itself: sanitizers make mlock() do nothing.
  if (syscall(SYS_mlock, view, kBytes) == 0) {
    const Status refused = views.UnmapMutatorView(0, kBytes);
    EXPECT(!refused.ok() && refused.error().error_number == EINVAL);
    EXPECT(syscall(SYS_munlock, view, kBytes) == 0);
  }
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  AFileMayBeShorterThanItsViews();
  MappedPagesAreWrittenWithoutAFault();
  ARefusedFlipLeavesTheViewAsItWas();
  AFlipThatCannotBeTakenBackLosesNothing();
  AFlipOfSomeRangesLeavesTheOthers();
  FlipsLeaveNoHoleForOthersMappings();
  if (MarkerWorks(MarkerKind::kBarrierFree)) WriteTrackingLeavesPagesReadOnly();
  return 0;
}
