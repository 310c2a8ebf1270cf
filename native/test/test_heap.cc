#include "test_heap.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include "heap/load_barrier.h"
#include "heap/thread_state.h"
#include "heap/weak_access.h"
#include "os/clock.h"

namespace faultline::test {

namespace {

constexpr uint64_t kSliceNs = 5 * kNsPerMs;

}  // namespace

uint64_t SeedFrom(int argc, char** argv, uint64_t otherwise) {
  uint64_t seed = otherwise;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(argv[i + 1], nullptr, 0);
  }
  std::printf("seed %llu; repeat with --seed %llu\n", static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

bool ShortForm() {
  const char* text = std::getenv("FAULTLINE_LONG");
  return text == nullptr || *text == '\0' || *text == '0';
}

void SleepMs(uint32_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

bool ModeWorks(FaultModeKind kind) {
  if (kind == FaultModeKind::kMove) return false;  // By design; kernel_test has its refusal.
  const FaultModeTraits& traits = TraitsOf(kind);
  if (traits.held_by != HeldBy::kThread && traits.held_by != HeldBy::kBusSignal) return true;
  const UserfaultfdProbe probe = ProbeUserfaultfd();
  const bool works = probe.has_minor_faults() && (traits.held_by == HeldBy::kThread || probe.has_signal_delivery()) &&
                     (!traits.copies || probe.has_copying());
  if (!works) std::printf("this machine has no userfaultfd minor faults: mode %s is left out\n", NameOf(kind));
  return works;
}

std::vector<FaultModeKind> ModesWhere(bool (*wanted)(const FaultModeTraits&)) {
  std::vector<FaultModeKind> modes;
  for (const FaultModeTraits& traits : kFaultModes) {
    if (wanted(traits) && ModeWorks(traits.kind)) modes.push_back(traits.kind);
  }
  return modes;
}

std::vector<FaultModeKind> MovingModes() {
  return ModesWhere([](const FaultModeTraits& traits) { return traits.collects; });
}

std::vector<FaultModeKind> RawLoadModes() {
  return ModesWhere([](const FaultModeTraits& traits) { return traits.collects && !traits.barriered_loads; });
}

std::vector<FaultModeKind> FaultingModes() {
  return ModesWhere([](const FaultModeTraits& traits) { return traits.held_by != HeldBy::kNothing; });
}

bool MarkerWorks(MarkerKind kind) {
  if (kind != MarkerKind::kBarrierFree) return true;
  WriteTracking tracking;
  const bool works = tracking.Open().ok();
  if (!works) std::printf("this machine has no write tracking: marker %s is left out\n", NameOf(kind));
  return works;
}

TestHeap::TestHeap(const Options& options) : rounds_(options.rounds), waves_(options.waves), waits_for_memory_(options.waits_for_memory) {
  Heap::Options heap_options;
  heap_options.capacity_regions = options.capacity_regions;
  heap_options.reserve_regions = options.reserve_regions;
  heap_options.tlab_pages = options.tlab_pages;
  heap_options.barriered_loads = TraitsOf(options.mode).barriered_loads;
  EXPECT(heap.Create(heap_options).ok());
  Collector::Options collector_options;
  collector_options.fault_mode = options.mode;
  collector_options.marker = options.marker;
  collector_options.fault_around_pages = options.fault_around_pages;
  collector_options.verify = options.verify;
  collector_options.delay_seed = options.delay_seed;
  collector = std::make_unique<Collector>(&heap, collector_options);
  EXPECT(collector->Open().ok());
  for (uint32_t worker = 0; worker < options.workers; ++worker) {
    threads_.emplace_back([this, worker] { WorkerLoop(worker); });
  }
}

TestHeap::~TestHeap() {
  ending_.store(true, std::memory_order_release);
  for (std::thread& thread : threads_) thread.join();
  collector->Close();
}

void TestHeap::WorkerLoop(uint32_t worker) {
  while (!ending_.load(std::memory_order_acquire)) collector->gang().Serve(worker, kSliceNs);
}

void TestHeap::StartControl() {
  threads_.emplace_back([this] { ControlLoop(); });
}

void TestHeap::Request() {
  requests_.fetch_add(1, std::memory_order_acq_rel);
  FutexWakeAll(&requests_);
}

void TestHeap::RequestFor(uint32_t ms, uint32_t interval_ms) {
  const uint64_t begin = NowNs();
  const auto elapsed = [begin] { return NowNs() - begin; };
  while (elapsed() < ms * kNsPerMs || (Read(heap.statistics.compacting_cycles) == 0 && elapsed() < 60'000 * kNsPerMs)) {
    Request();
    SleepMs(interval_ms);
  }
}

void TestHeap::ControlLoop() {
  while (!ending_.load(std::memory_order_acquire)) {
    const uint32_t wanted = requests_.load(std::memory_order_acquire);
    if (wanted == collector->collections_ended()) {
      FutexWait(&requests_, wanted, kSliceNs);
      continue;
    }
    Collect(true);
    requests_.store(collector->collections_ended(), std::memory_order_release);
  }
}

void TestHeap::Collect(bool all) {
  collector->BeginCollection();
  Mark();
  collector->Sweep();
  std::vector<RegionIndex> left = Movable(all);
  for (uint32_t waves = waves_; waves > 0; --waves) {
    const std::vector<RegionIndex> sources(left.begin(), left.begin() + static_cast<ptrdiff_t>((left.size() + waves - 1) / waves));
    if (!FlipWave(sources, waves > 1 ? left : std::vector<RegionIndex>{})) break;
    std::erase_if(left, [this](RegionIndex region) { return heap.tables.moving[region] != 0; });
    if (left.empty() || waves == 1) break;
    FinishWave();
  }
  FinishCollection();
}

void TestHeap::Mark() {
  while (!collector->PrepareMarking(NowNs() + kSliceNs)) {
  }
  const Marker& marker = collector->marker();
  const uint32_t traces = !marker.concurrent() ? 0 : marker.has_rounds() ? rounds_ + 1 : 1;
  for (uint32_t trace = 0; trace < traces; ++trace) {
    while (!collector->RootsPause(kSliceNs)) {
    }
    while (!collector->Trace(NowNs() + kSliceNs)) {
    }
  }
  while (!collector->MarkPause(kSliceNs)) {
  }
  while (!collector->ProcessWeak(NowNs() + kSliceNs)) {
  }
}

void TestHeap::ReleaseMarking() {
  while (!collector->ReleaseMarking(NowNs() + kSliceNs)) {
  }
}

void TestHeap::CollectUntilFlip(bool all) {
  collector->BeginCollection();
  Mark();
  collector->Sweep();
  FlipWave(Movable(all), {});
}

std::vector<RegionIndex> TestHeap::Movable(bool all) const {
  std::vector<RegionIndex> regions;
  for (RegionIndex region{0}; region < heap.regions.count(); ++region) {
    const uint32_t live = heap.tables.live_word_counts[region];
    const RegionUse use = heap.regions.use(region);
    if (heap.tables.marked_pages[region] == 0 || use.state != RegionState::kLive || use.kind == RegionKind::kPinnable) continue;
    if (live > 0 && (all || live <= kRegionWords * 3 / 4)) regions.push_back(region);
  }
  return regions;
}

bool TestHeap::FlipWave(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& later) {
  uint64_t words = 0;
  for (const RegionIndex source : sources) words += heap.tables.live_word_counts[source];
  const uint32_t targets = static_cast<uint32_t>(std::min<uint64_t>(sources.size(), (words + kRegionWords - 1) / kRegionWords + 1));
  const bool moves = collector->MakePlan(sources, targets, later);
  ReleaseMarking();
  if (!moves) return false;
  while (!collector->FlipPause(kSliceNs)) {
  }
  return true;
}

void TestHeap::FinishWave() {
  while (!collector->Compact(NowNs() + kSliceNs)) {
  }
  while (!collector->FinishWave(NowNs() + kSliceNs)) {
  }
}

void TestHeap::FinishCollection() {
  while (collector->phase() == Phase::kCompacting && !collector->Compact(NowNs() + kSliceNs)) {
  }
  while (!collector->Finish(NowNs() + kSliceNs)) {
  }
  collector->EndCollection();
}

ShapeId TestHeap::DefineShape(uint32_t reference_fields, uint32_t data_words, ElementKind kind, uint32_t element_bytes_log2) {
  Shape shape;
  shape.fixed_words = kHeaderWords + (reference_fields + 1) / 2 + data_words;
  shape.reference_fields = reference_fields;
  shape.element_kind = kind;
  shape.element_bytes_log2 = static_cast<uint8_t>(element_bytes_log2);
  const ShapeId id = heap.shapes.Define(NumberedName(++shape_count_), "", shape);
  EXPECT(id != 0);
  return id;
}

TestMutator::TestMutator(TestHeap* test, uint32_t handles) : test_(test), view_(test->heap.views.mutator_view()) {
  EXPECT(memory_.Create(control::kSlots + handles + kLogEntries).ok());
  control_ = memory_.data();
  mutator_ = std::make_unique<Mutator>(&test->heap, control_, 0, handles);
  EnterInDirectory(mutator_.get());
  Attach(*mutator_, test->heap.handshake, WaitWatch::Never());
  Unpark();
}

TestMutator::~TestMutator() {
  Detach(*mutator_, WaitWatch::Never(), [&] {
    RetireTlabs(test_->heap, *mutator_);
    test_->collector->TakeLog(*mutator_);
  });
  LeaveDirectory(mutator_.get());
}

void TestMutator::Store(uint32_t* slot, uint32_t reference) {
  if (control_[control::kLogging] != 0) LogReference(test_->heap, *mutator_, *slot);
  *slot = reference;
}

uint32_t TestMutator::Load(uint32_t* slot) { return LoadReference(test_->heap, *mutator_, slot); }

void TestMutator::Poll() { StopIfRequested(WaitWatch::Never()); }

void TestMutator::Park() { test_->heap.handshake.Park(mutator_.get()); }

void TestMutator::Unpark() { faultline::Unpark(*mutator_, WaitWatch::Never()); }

WordIndex TestMutator::Allocate(ShapeId shape, uint32_t count) {
  Heap& heap = test_->heap;
  const uint64_t words = heap.shapes[shape].Words(count);
  const RegionKind kind = heap.KindOf(shape);
  const Mutator::Tlab tlab = mutator_->TlabOf(kind);
  uint32_t attempts = 0;
  for (;;) {
    Poll();
    WordIndex object{0};
    if (tlab.top + words <= tlab.limit) {
      object = tlab.top;
      tlab.top += static_cast<uint32_t>(words);
    } else {
      Allocation answer = AllocateSlow(heap, *mutator_, words, kind);
      if (answer.answer == AllocationAnswer::kLarge) {
        answer = BeginLarge(heap, *mutator_, words, kind);
        if (answer.answer == AllocationAnswer::kObject) {
          Park();
          bool zeroed = true;
          for (uint64_t done = 0; done < words && zeroed;) {
            Result<uint64_t> piece = ZeroLargePiece(heap, *mutator_, words, done);
            zeroed = piece.ok();
            if (zeroed) done = piece.value();
          }
          Unpark();
          if (zeroed) {
            CommitLarge(heap, *mutator_, words);
          } else {
            AbandonLarge(heap, *mutator_);
            answer.answer = AllocationAnswer::kNoMemory;
          }
        }
      }
      if (answer.answer == AllocationAnswer::kNoMemory) {
        ++refusals_;
        if (++attempts > 50) return 0;
        continue;
      }
      if (answer.answer == AllocationAnswer::kRefilled) continue;
      if (answer.answer == AllocationAnswer::kCollect) {
        if (++attempts > 6 || !test_->waits_for_memory_) return 0;
        const uint32_t ticket = test_->collector->collections_begun() + 1;
        test_->Request();
        Park();
        while (static_cast<int32_t>(test_->collector->collections_ended() - ticket) < 0) {
          const uint32_t epoch = heap.memory_epoch.load(std::memory_order_acquire);
          if (static_cast<int32_t>(test_->collector->collections_ended() - ticket) >= 0) break;
          FutexWait(&heap.memory_epoch, epoch, kSliceNs);
          if (test_->requests_.load() == test_->collector->collections_ended()) test_->requests_.fetch_add(1);
        }
        Unpark();
        continue;
      }
      EXPECT(answer.answer == AllocationAnswer::kObject);
      object = answer.object;
    }
    uint32_t* const header = slots(object);
    header[1] = count;
    reinterpret_cast<std::atomic<uint32_t>*>(header)->store(shape, std::memory_order_release);
    return object;
  }
}

}  // namespace faultline::test
