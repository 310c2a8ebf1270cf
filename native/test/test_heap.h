// TestHeap: a heap, a collector, and their driver, in plain C++: native mutators, GC workers on their own threads,
// a control loop.  It is the shortest equivalent of src/gc, so that the native parts can be
// tested alone and under sanitizers.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/any_heap/random.h"
#include "gc/collector.h"
#include "heap/allocation.h"
#include "heap/heap.h"
#include "os/write_tracking.h"

namespace faultline::test {

// Indices in tests are often written out.
constexpr PageIndex operator""_page(unsigned long long page) { return PageIndex(static_cast<uint32_t>(page)); }
constexpr RegionIndex operator""_region(unsigned long long region) { return RegionIndex(static_cast<uint32_t>(region)); }

// A name for a shape.
inline std::u16string NumberedName(uint32_t number) {
  const std::string digits = std::to_string(number);
  return u"shape " + std::u16string(digits.begin(), digits.end());
}

}  // namespace faultline::test

#define EXPECT(condition)                                                           \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                 \
    }                                                                               \
  } while (0)

namespace faultline::test {

// What a test program returns that cannot run here; the last line it printed says why.
inline constexpr int kSkipped = 77;

// Under a sanitizer that keeps memory, mappings and handlers of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// The generator of the benchmarks' workloads, seeded; every random test prints its seed.
class Random : public bench::Random {
 public:
  explicit Random(uint64_t seed) : bench::Random(static_cast<uint32_t>(seed ^ seed >> 32)) {}
  bool Chance(uint32_t percent) { return Below(100) < percent; }
};

// --seed N on the command line, or a fixed one.
uint64_t SeedFrom(int argc, char** argv, uint64_t otherwise);
// Long loops are divided unless FAULTLINE_LONG=1.
bool ShortForm();
// Whether this machine can do the mode; says so on standard output when it cannot.
bool ModeWorks(FaultModeKind kind);
// The modes of the table that this machine can do: all that collect; those of them in which references may be loaded without a barrier;
// those in which a touch may be too early.
std::vector<FaultModeKind> MovingModes();
std::vector<FaultModeKind> RawLoadModes();
std::vector<FaultModeKind> FaultingModes();
bool MarkerWorks(MarkerKind kind);

void SleepMs(uint32_t ms);

class TestMutator;

class TestHeap {
 public:
  struct Options {
    uint32_t capacity_regions = 8;
    uint32_t reserve_regions = 2;
    uint32_t tlab_pages = 4;
    uint32_t workers = 1;
    FaultModeKind mode = FaultModeKind::kSigbus;
    MarkerKind marker = MarkerKind::kStopped;
    uint32_t rounds = 2;  // Precleaning rounds of a concurrent marker.
    uint32_t waves = 1;   // In which Collect moves what there is to move.
    uint32_t fault_around_pages = PageService::kAdaptive;
    bool verify = true;
    bool waits_for_memory = true;  // False where the mutator's own thread collects: an allocation that needs a collection returns 0.
    uint64_t delay_seed = 0;
  };

  explicit TestHeap(const Options& options);
  ~TestHeap();

  // One cycle with everything evacuated that fits (`all`), or the usual choice.  Called by a thread that is no running
  // mutator.
  void Collect(bool all = true);
  // After marking and sweeping: what there is to move; a plan for `sources` and its flip, false if nothing moves; and, after a compaction,
  // the end of the wave.
  std::vector<RegionIndex> Movable(bool all = true) const;
  bool FlipWave(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& later);
  void FinishWave();
  // The whole marking; then, after the plan if there is one, the release of what it needed.
  void Mark();
  void ReleaseMarking();
  // The same in two halves: after the first one nothing is built yet, and the view is armed.
  void CollectUntilFlip(bool all = true);
  void FinishCollection();

  // A control thread that collects whenever a mutator asks, until the heap ends.
  void StartControl();
  // Asks the control thread for a collection; does not wait for it.
  void Request();
  // Asks for one every `interval_ms` for `ms`, and on until one has moved something.
  void RequestFor(uint32_t ms, uint32_t interval_ms);

  ShapeId DefineShape(uint32_t reference_fields, uint32_t data_words, ElementKind kind = ElementKind::kNone,
                      uint32_t element_bytes_log2 = 0);

  Heap heap;
  std::unique_ptr<Collector> collector;

 private:
  friend class TestMutator;
  void ControlLoop();
  void WorkerLoop(uint32_t worker);

  const uint32_t rounds_;
  const uint32_t waves_;
  const bool waits_for_memory_;
  std::vector<std::thread> threads_;
  std::atomic<bool> ending_{false};
  std::atomic<uint32_t> requests_{0};
  uint32_t shape_count_ = 0;
};

// A native mutator, bound to the thread that makes it.  Objects are reached through the mutator view.
class TestMutator {
 public:
  explicit TestMutator(TestHeap* test, uint32_t handles = 1 << 16);
  ~TestMutator();

  // 0 when the heap is exhausted even after collections.  A safepoint.
  WordIndex Allocate(ShapeId shape, uint32_t count = 0);
  void Poll();
  void Park();
  void Unpark();

  uint32_t* slots(WordIndex object) { return reinterpret_cast<uint32_t*>(view_) + uint64_t{object} * 2; }
  uint64_t* words(WordIndex object) { return reinterpret_cast<uint64_t*>(view_) + object; }
  // Through the load barrier, which the mode of that name needs.
  uint32_t Load(uint32_t* slot);
  // Through the write barrier, which the satb marker needs.
  void Store(uint32_t* slot, uint32_t reference);
  uint32_t& reference(WordIndex object, uint32_t field) { return slots(object)[kHeaderSlots + field]; }

  // Handle slots: roots by number.
  uint32_t& handle(uint32_t index) {
    if (index >= control_[control::kHandlesUsed]) control_[control::kHandlesUsed] = index + 1;
    return control_[control::kSlots + index];
  }

  Mutator& mutator() { return *mutator_; }
  // How often the system had no memory for an allocation, which was then tried again.
  uint64_t refusals() const { return refusals_; }

 private:
  uint64_t refusals_ = 0;
  TestHeap* test_;
  uint8_t* view_;
  MappedArray<uint32_t> memory_;
  uint32_t* control_;
  std::unique_ptr<Mutator> mutator_;
};

}  // namespace faultline::test
