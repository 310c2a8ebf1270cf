#include "bench/native_mutator.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "heap/thread_state.h"
#include "os/clock.h"
#include "os/futex.h"

namespace faultline::bench {

namespace {

constexpr uint64_t kSliceNs = 20 * kNsPerMs;

// COLLECTION_KINDS and COLLECTION_REASONS in src/gc/requests.ts.
constexpr uint32_t kCompact = 1;
constexpr uint32_t kFull = 2;
constexpr uint32_t kOccupancy = 0;
constexpr uint32_t kExhausted = 4;

// As in src/heap/allocation.ts.
constexpr uint32_t kFullCollections = 3;

void Must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "faultline bench: %s failed\n", what);
  std::abort();
}

}  // namespace

NativeMutator::NativeMutator(std::shared_ptr<HeapInstance> instance)
    : instance_(std::move(instance)), heap_(instance_->heap), view_(heap_.views.mutator_view()), roots_(kRoots, 0) {
  Must(memory_.Create(control::kSlots + kLogEntries).ok(), "the control block");
  control_ = memory_.data();
  mutator_ = std::make_unique<Mutator>(&heap_, control_, 0, 0);
  mutator_->ranges.Add(roots_.data(), &roots_used_, kRoots);
  if (instance_->collector->options().track_utilization) Must(mutator_->timeline.Create().ok(), "the time line");
  EnterInDirectory(mutator_.get());
  Attach(*mutator_, heap_.handshake, WaitWatch::Never());
  Unpark();
}

NativeMutator::~NativeMutator() {
  Detach(*mutator_, WaitWatch::Never(), [&] {
    RetireTlabs(heap_, *mutator_);
    instance_->collector->TakeLog(*mutator_);
    AbandonLarge(heap_, *mutator_);
  });
  LeaveDirectory(mutator_.get());
  heap_.TellMemoryMayBeFree();
}

BenchShape NativeMutator::Define(const char* name, uint32_t reference_fields, uint32_t data_bytes, ElementKind elements) {
  Shape shape;
  shape.fixed_words = kHeaderWords + (reference_fields * 4 + data_bytes + kWordBytes - 1) / kWordBytes;
  shape.reference_fields = reference_fields;
  shape.element_kind = elements;
  shape.element_bytes_log2 = elements == ElementKind::kReference ? 2 : elements == ElementKind::kData ? 3 : 0;
  const ShapeId id = heap_.shapes.Define(std::u16string(name, name + std::strlen(name)), "native", shape);
  Must(id != 0, name);
  const uint32_t tlab_top = heap_.KindOf(id) == RegionKind::kLeaf ? control::kLeafTlabTop : control::kTlabTop;
  return {id, shape.fixed_words, reference_fields, elements == ElementKind::kReference, tlab_top};
}

BenchShape NativeMutator::DefineShape(const char* name, uint32_t reference_fields, uint32_t data_bytes) {
  return Define(name, reference_fields, data_bytes, ElementKind::kNone);
}

BenchShape NativeMutator::DefineMixed(const char* name, uint32_t reference_fields, uint32_t data_bytes) {
  return Define(name, reference_fields, data_bytes, ElementKind::kReference);
}

BenchShape NativeMutator::DefineArray(const char* name, uint32_t reference_fields, bool of_references) {
  return Define(name, reference_fields, 0, of_references ? ElementKind::kReference : ElementKind::kData);
}

void NativeMutator::Unpark() { faultline::Unpark(*mutator_, WaitWatch::Never()); }

void NativeMutator::StopHere() { StopIfRequested(WaitWatch::Never()); }

WordIndex NativeMutator::AllocateSlowly(const BenchShape& shape, uint32_t count, uint32_t words) {
  uint32_t full = 0;
  for (uint32_t collections = 0;; ++collections) {
    Allocation answer = Attempt(heap_.KindOf(shape.id), words);
    if (answer.answer == AllocationAnswer::kRefilled) {
      answer.object = control_[shape.tlab_top];
      control_[shape.tlab_top] += words;
      answer.answer = AllocationAnswer::kObject;
    }
    if (answer.answer == AllocationAnswer::kObject) {
      WriteHeader(answer.object, shape.id, count);
      return answer.object;
    }
    const bool could_fit = FreeBytes() >= uint64_t{words} * kWordBytes;
    if (full == kFullCollections || (full > 0 && !could_fit)) {
      throw OutOfMemory{answer.answer == AllocationAnswer::kNoMemory};
    }
    const uint32_t kind = collections == 0 ? kCompact : kFull;
    if (kind == kFull) ++full;
    const uint64_t begin = NowNs();
    AwaitMemory(instance_->RequestCollection({kind, kExhausted}), words);
    heap_.statistics.stalls.Record(NowNs() - begin);
  }
}

Allocation NativeMutator::Attempt(RegionKind kind, uint32_t words) {
  StopHere();
  instance_->CheckTrigger({kCompact, kOccupancy, true});
  const Allocation answer = AllocateSlow(heap_, *mutator_, words, kind);
  return answer.answer == AllocationAnswer::kLarge ? AttemptLarge(kind, words) : answer;
}

Allocation NativeMutator::AttemptLarge(RegionKind kind, uint32_t words) {
  Allocation answer = BeginLarge(heap_, *mutator_, words, kind);
  if (answer.answer != AllocationAnswer::kObject) return answer;
  Park();
  bool zeroed = true;
  for (uint64_t done = 0; zeroed && done < words;) {
    const Result<uint64_t> next = ZeroLargePiece(heap_, *mutator_, words, done);
    zeroed = next.ok();
    if (zeroed) done = next.value();
  }
  Unpark();
  if (zeroed) {
    CommitLarge(heap_, *mutator_, words);
    return answer;
  }
  AbandonLarge(heap_, *mutator_);
  return {AllocationAnswer::kNoMemory, 0, {}};
}

uint64_t NativeMutator::FreeBytes() {
  const uint32_t capacity = heap_.regions.capacity();
  const uint32_t charged = std::min(heap_.regions.charged(), capacity);
  return uint64_t{capacity - charged} * kRegionBytes;
}

void NativeMutator::AwaitMemory(uint32_t ticket, uint32_t words) {
  const auto ended = [&] { return static_cast<int32_t>(instance_->collector->collections_ended() - ticket) >= 0; };
  const uint64_t wanted = std::max<uint64_t>(uint64_t{words} * kWordBytes, kRegionBytes);
  Park();
  const uint64_t begin = NowNs();
  while (!ended()) {
    const uint32_t epoch = heap_.memory_epoch.load(std::memory_order_acquire);
    if (ended()) break;
    FutexWait(&heap_.memory_epoch, epoch, kSliceNs);
    if (heap_.memory_epoch.load(std::memory_order_acquire) != epoch && FreeBytes() >= wanted) break;
  }
  mutator_->timeline.AddCollectorTime(begin, NowNs(), Interruption::kStall);
  Unpark();
}

}  // namespace faultline::bench
