// NativeMutator: a thread of C++ on a heap whose collector is the one in TypeScript.
//
// The idiom of a runtime: the allocation buffer is bumped inline, a safepoint is one load, references that must survive a
// safepoint lie in root slots.  How references are loaded and stored is an Access, which a workload is compiled for:
//
//   RawAccess     a load and a store, nothing else: markers `barrier-free` and `stopped`
//   LoggedAccess  the store logs what it overwrites while marking runs: marker `satb`
//   AskingAccess  the load asks whether it found an old address: fault mode `load-barrier`, with the stores of one of the others
//
// The slow paths are those of src/heap/allocation.ts.  Waiting happens parked.
#pragma once

#include <memory>
#include <vector>

#include "bench/census.h"
#include "heap/allocation.h"
#include "heap/load_barrier.h"
#include "heap/weak_access.h"
#include "node/instance.h"

namespace faultline::bench {

// Thrown when even full collections leave no room.  Never crosses code that is compiled without exceptions.
struct OutOfMemory {
  bool refused_by_system = false;
};

// A shape, and what an allocation has to know of it.
struct BenchShape {
  ShapeId id{0};
  uint32_t fixed_words = 0;
  uint32_t reference_fields = 0;
  bool reference_elements = false;        // Else words of data.
  uint32_t tlab_top = control::kTlabTop;  // Where its objects come from: the index of a TLAB's top, its limit behind it.
  uint32_t Words(uint32_t count) const { return fixed_words + (reference_elements ? (count + 1) / 2 : count); }
  uint32_t References(uint32_t count) const { return reference_fields + (reference_elements ? count : 0); }
};

class NativeMutator {
 public:
  static constexpr uint32_t kRoots = 1024;

  explicit NativeMutator(std::shared_ptr<HeapInstance> instance);
  ~NativeMutator();
  NativeMutator(const NativeMutator&) = delete;
  NativeMutator& operator=(const NativeMutator&) = delete;

  // `data_bytes` of fields behind the reference fields.
  BenchShape DefineShape(const char* name, uint32_t reference_fields, uint32_t data_bytes);
  // The same with elements that are references.
  BenchShape DefineMixed(const char* name, uint32_t reference_fields, uint32_t data_bytes);
  BenchShape DefineArray(const char* name, uint32_t reference_fields, bool of_references);

  // A zeroed object with its header.  A safepoint.  Throws OutOfMemory.
  WordIndex Allocate(const BenchShape& shape, uint32_t count = 0) {
    const uint32_t words = shape.Words(count);
    if (census != nullptr) census->Count(words, shape.References(count));
    const uint32_t top = control_[shape.tlab_top];
    if (words > control_[shape.tlab_top + 1] - top) return AllocateSlowly(shape, count, words);
    WriteHeader(top, shape.id, count);
    control_[shape.tlab_top] = top + words;
    return top;
  }

  // A safepoint.
  void Poll() {
    const uint32_t state = mutator_->state()->load(std::memory_order_relaxed);
    if ((state & (kMutatorStopRequested | kMutatorStopElsewhere)) != 0) StopHere();
  }
  void Park() { heap_.handshake.Park(mutator_.get()); }
  void Unpark();

  // Root slots; all of them are visited in every pause.
  uint32_t& root(uint32_t index) { return roots_[index]; }

  uint32_t* slots(WordIndex object) { return SlotsAt(reinterpret_cast<uint64_t*>(view_), object); }
  double* doubles(WordIndex object) { return reinterpret_cast<double*>(view_) + object; }
  uint32_t Count(WordIndex object) { return slots(object)[1]; }

  bool logging() const { return control_[control::kLogging] != 0; }
  void Log(uint32_t reference) { LogReference(heap_, *mutator_, reference); }
  WordIndex LoadThroughBarrier(uint32_t* slot) { return LoadReference(heap_, *mutator_, slot); }
  bool asks() const { return instance_->collector->pages().fault_mode().kind() == FaultModeKind::kLoadBarrier; }
  MarkerKind marker() const { return instance_->collector->marker().kind(); }
  const Timeline& timeline() const { return mutator_->timeline; }

  // What is allocated is counted here.  Null where times are measured: other systems do not count either.
  Census* census = nullptr;

 private:
  BenchShape Define(const char* name, uint32_t reference_fields, uint32_t data_bytes, ElementKind elements);
  WordIndex AllocateSlowly(const BenchShape& shape, uint32_t count, uint32_t words);
  Allocation Attempt(RegionKind kind, uint32_t words);
  Allocation AttemptLarge(RegionKind kind, uint32_t words);
  void AwaitMemory(uint32_t ticket, uint32_t words);
  uint64_t FreeBytes();
  void StopHere();
  void WriteHeader(WordIndex object, ShapeId shape, uint32_t count) {
    uint32_t* const header = slots(object);
    header[1] = count;  // Before the shape: a shape of 0 says that this is not an object yet.
    __atomic_store_n(&header[0], shape, __ATOMIC_RELEASE);
  }

  const std::shared_ptr<HeapInstance> instance_;
  Heap& heap_;
  uint8_t* const view_;
  MappedArray<uint32_t> memory_;
  uint32_t* control_ = nullptr;
  std::vector<uint32_t> roots_;
  const uint32_t roots_used_ = kRoots;
  std::unique_ptr<Mutator> mutator_;
};

struct RawAccess {
  static WordIndex Load(NativeMutator&, uint32_t* slot) { return *slot; }
  static void Store(NativeMutator&, uint32_t* slot, WordIndex reference) { *slot = reference; }
};

struct LoggedAccess {
  static WordIndex Load(NativeMutator&, uint32_t* slot) { return *slot; }
  static void Store(NativeMutator& mutator, uint32_t* slot, WordIndex reference) {
    if (mutator.logging()) mutator.Log(*slot);
    *slot = reference;
  }
};

template <typename Stores>
struct AskingAccess : Stores {
  static WordIndex Load(NativeMutator& mutator, uint32_t* slot) { return mutator.LoadThroughBarrier(slot); }
};

}  // namespace faultline::bench
