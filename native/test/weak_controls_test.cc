// Negative controls of invariant W: if a weak slot refers to a dead object, or to no object, the checks end the process and say so.
#include "child.h"
#include "gc/checking/verification.h"
#include "weak_scene.h"

namespace faultline::test {
namespace {

// What a child process says before it ends, if it aborts; otherwise nothing.
std::string LastWordsOf(const std::function<void()>& body) {
  const Death death = InChild(body);
  return death.died_of(SIGABRT) ? death.said : "";
}

// Negative control: a slot that clearing has overlooked is found when its page is built, and by verification.
void ASlotThatWasNotClearedIsFound(MarkerKind marker) {
  for (const bool overlooked : {false, true}) {
    const std::string said = LastWordsOf([&] {
      TestHeap::Options options = WeakScene::OptionsFor(marker, FaultModeKind::kStw);
      options.workers = 0;  // A child has this thread only.
      TestHeap test(options);
      TestMutator mutator(&test, 64);
      const WeakShapes shapes(&test);
      WeakStructures weak(&test, &mutator, shapes, kScratch);
      mutator.handle(kArray) = mutator.Allocate(shapes.weak, 1);
      const WordIndex dead = weak.NewNode(1);
      mutator.handle(kA) = weak.NewNode(2);  // Something that moves.
      mutator.reference(mutator.handle(kArray), 0) = dead;
      mutator.Park();
      test.collector->BeginCollection();
      test.Mark();
      if (overlooked) test.heap.slots()[uint64_t{mutator.handle(kArray)} * 2 + kHeaderSlots] = dead;
      test.collector->Sweep();
      std::vector<RegionIndex> sources;
      for (RegionIndex region{0}; region < test.heap.regions.count(); ++region) {
        if (test.heap.tables.live_word_counts[region] > 0) sources.push_back(region);
      }
      EXPECT(test.collector->MakePlan(sources, 2));
      test.ReleaseMarking();
      while (!test.collector->FlipPause(kSlice)) {
      }
      _exit(0);
    });
    EXPECT((said.find("(W)") != std::string::npos) == overlooked);
  }
  const std::string said = LastWordsOf([&] {
    TestHeap::Options options = WeakScene::OptionsFor(marker, FaultModeKind::kStw);
    options.workers = 0;
    TestHeap test(options);
    TestMutator mutator(&test, 64);
    const WeakShapes shapes(&test);
    mutator.handle(kArray) = mutator.Allocate(shapes.weak, 1);
    mutator.reference(mutator.handle(kArray), 0) = FirstWordOfRegion(5_region) + 7;  // Nothing was ever there.
    mutator.Park();
    VerifyHeap(test.heap);
    _exit(0);
  });
  EXPECT(said.find("(W)") != std::string::npos);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (MarkerWorks(marker)) ASlotThatWasNotClearedIsFound(marker);
  }
}
