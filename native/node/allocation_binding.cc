// Allocation's slow path, and waiting for memory or for a collection.
#include <optional>

#include "heap/allocation.h"
#include "heap/thread_state.h"
#include "node/arguments.h"
#include "node/javascript_watch.h"
#include "os/delays.h"

namespace faultline {

namespace {

// Results besides an object's word index; ALLOCATION in src/binding/mutator-calls.ts.
constexpr double kRefilled = 0;
constexpr double kCollect = -1;
constexpr double kNoControl = -3;

// COLLECTION_KINDS and COLLECTION_REASONS in src/gc/requests.ts.
constexpr uint32_t kCompact = 1;
constexpr uint32_t kOccupancy = 0;

// An object to be allocated.
struct Wish {
  uint64_t words = 0;  // 0: none.
  ShapeId shape{0};
  uint32_t count = 0;
  bool stays = false;  // Never moves: pinnable, or large.
};

Wish WishAt(Info info, size_t index, bool stays) {
  return {static_cast<uint64_t>(NumberAt(info, index)), ShapeId(Uint32At(info, index + 1)), Uint32At(info, index + 2), stays};
}

// Nothing if the script is being ended.
Napi::Value Answer(Info info, const std::optional<Allocation>& allocation) {
  if (!allocation.has_value()) return Napi::Value();
  switch (allocation->answer) {
    case AllocationAnswer::kRefilled:
      return Number(info, kRefilled);
    case AllocationAnswer::kObject:
      return Number(info, allocation->object);
    case AllocationAnswer::kCollect:
    case AllocationAnswer::kLarge:
      return Number(info, kCollect);
    case AllocationAnswer::kNoMemory:
      return Refusal(info.Env(), allocation->error);
  }
  return info.Env().Undefined();
}

// Zeroes the object in pieces; a stop waits for one of them at most.
std::optional<Allocation> TakeLarge(Heap& heap, Mutator& mutator, const Wish& wish, JavaScriptWatch& watch) {
  const Allocation begun = BeginLarge(heap, mutator, wish.words, heap.KindOf(wish.shape));
  if (begun.answer != AllocationAnswer::kObject) return begun;
  // The thread has what it waited for, and zeroing takes long.
  heap.regions.LeaveQueue(&mutator);
  uint64_t looked_ns = NowNs();
  for (uint64_t done = 0; done < wish.words;) {
    const Result<uint64_t> next = ZeroLargePiece(heap, mutator, wish.words, done);
    const bool stops = next.ok() && ThreadState::Current().IsStopRequested();
    if (stops) const ThreadWait wait(watch);
    const bool looks = stops || NowNs() - looked_ns > kWaitSliceNs;
    if (looks) looked_ns = NowNs();
    if (!next.ok() || (looks && watch.Look() != WaitCut::kNone)) {
      AbandonLarge(heap, mutator);
      if (next.ok()) return std::nullopt;
      return Allocation{AllocationAnswer::kNoMemory, 0, next.error()};
    }
    done = next.value();
  }
  CommitLarge(heap, mutator, wish.words);
  WriteHeader(heap, begun.object, wish.shape, wish.count);
  return begun;
}

// Takes the object, with its header, or refills the buffer.  The caller is a running mutator.
std::optional<Allocation> Take(HeapInstance& instance, Mutator& mutator, const Wish& wish, JavaScriptWatch& watch) {
  DelayAt(DelayPoint::kRefill);
  instance.CheckTrigger({kCompact, kOccupancy, true});
  if (wish.words > kLargeObjectWords) return TakeLarge(instance.heap, mutator, wish, watch);
  const Allocation taken = wish.stays ? AllocatePinnable(instance.heap, mutator, wish.words)
                                      : AllocateSlow(instance.heap, mutator, wish.words, instance.heap.KindOf(wish.shape));
  if (taken.answer == AllocationAnswer::kObject) WriteHeader(instance.heap, taken.object, wish.shape, wish.count);
  return taken;
}

// allocateSlow(mutator, words, shape, count): with the header of that shape and count, if memory for one object is the answer
Napi::Value AllocateSlowly(Info info, MutatorBinding& binding) {
  JavaScriptWatch watch(info.Env());
  return Answer(info, Take(*binding.instance, *binding.mutator, WishAt(info, 1, false), watch));
}

// allocateInPlace(mutator, words, shape, count): the same for an object that never moves.  Undefined if the script is being ended.
Napi::Value AllocateInPlace(Info info, MutatorBinding& binding) {
  JavaScriptWatch watch(info.Env());
  if (!watch.MayWait()) return Napi::Value();
  return Answer(info, Take(*binding.instance, *binding.mutator, WishAt(info, 1, true), watch));
}

// In the queue for memory until the end of the scope; with `again`, in the place that the mutator had before.
class QueuePlace {
 public:
  QueuePlace(Mutator& mutator, const MemoryQueue::Need& need, bool again) : mutator_(mutator) {
    mutator.memory_place = mutator.heap->regions.JoinQueue(&mutator, need, again ? mutator.memory_place : 0);
  }
  ~QueuePlace() {
    mutator_.heap->regions.LeaveQueue(&mutator_);
    // The waiters behind it may be served now, or be first.
    mutator_.heap->TellMemoryMayBeFree();
  }
  QueuePlace(const QueuePlace&) = delete;
  QueuePlace& operator=(const QueuePlace&) = delete;

 private:
  Mutator& mutator_;
};

// A wait for a collection and, with a wish, for memory.
class MemoryWait {
 public:
  enum class End { kCut, kCompleted, kRoom, kNoControl };
  enum class Until { kEnd, kFlip };

  MemoryWait(HeapInstance& instance, Mutator& mutator, const HeapInstance::Request& request, const Wish& wish, Until until = Until::kEnd)
      : instance_(instance), mutator_(mutator), request_(request), for_memory_(wish.words != 0), until_(until) {
    if (for_memory_) need_ = NeedOf(instance.heap, wish.words, wish.stays);
  }
  const MemoryQueue::Need& need() const { return need_; }

  // Parks the thread in all its heaps; when this returns, the thread is as before.
  End Park(WaitWatch& watch) {
    const ThreadWait wait(watch);
    const std::atomic<uint32_t>& memory_epoch = instance_.heap.memory_epoch;
    while (watch.Look() == WaitCut::kNone) {
      const uint32_t epoch = memory_epoch.load(std::memory_order_acquire);
      if (HasCompleted()) return End::kCompleted;
      if (instance_.NeedsControl()) return End::kNoControl;
      if (for_memory_ && (!tried_ || epoch != tried_epoch_) && instance_.heap.regions.HasRoomFor(&mutator_, need_)) {
        tried_ = true;
        tried_epoch_ = epoch;
        return End::kRoom;
      }
      FAULTLINE_CHECK(!ThreadState::Current().IsRunning(), "(H) a thread that waits for memory is parked in all heaps");
      FutexWait(&instance_.heap.memory_epoch, epoch, kWaitSliceNs);
    }
    return End::kCut;
  }

 private:
  // A collection counts only if the thread was first from its request to its end, so that no other thread took what it freed, and only if
  // it was completed: one that a control thread has abandoned is requested again.
  bool HasCompleted() {
    if (for_memory_ && !instance_.heap.regions.IsFirstInQueue(&mutator_)) {
      requested_ = false;
      return false;
    }
    if (until_ == Until::kFlip && requested_ && instance_.collector->MayBuildIn(ticket_)) return true;
    // Numbers wrap around.
    const bool ended = requested_ && static_cast<int32_t>(instance_.collector->collections_ended() - ticket_) >= 0;
    if (ended && instance_.Completed(ticket_, request_.kind)) {
      requested_ = false;
      return true;
    }
    if (!requested_ || ended) ticket_ = instance_.RequestCollection(request_);
    requested_ = true;
    return false;
  }

  HeapInstance& instance_;
  Mutator& mutator_;
  const HeapInstance::Request request_;
  const bool for_memory_;
  const Until until_;
  MemoryQueue::Need need_;
  bool requested_ = false;
  uint32_t ticket_ = 0;
  bool tried_ = false;
  uint32_t tried_epoch_ = 0;
};

// awaitMemory(mutator, kind, reason, again, words, shape, count, stays): requests a collection and waits for its end, with the whole thread
// parked; with words, in the queue for memory, trying to allocate meanwhile.  "Collect" means that a collection of that kind, requested and
// ended while this thread was first in the queue, has left too little memory; without words, that it has ended.
Napi::Value AwaitMemory(Info info, MutatorBinding& binding) {
  HeapInstance& instance = *binding.instance;
  Mutator& mutator = *binding.mutator;
  const Wish wish = WishAt(info, 4, info[7].As<Napi::Boolean>().Value());
  JavaScriptWatch watch(info.Env());
  if (!watch.MayWait()) return Napi::Value();
  MemoryWait wait(instance, mutator, {Uint32At(info, 1), Uint32At(info, 2)}, wish);
  std::optional<QueuePlace> place;
  if (wish.words != 0) place.emplace(mutator, wait.need(), info[3].As<Napi::Boolean>().Value());
  for (;;) {
    const uint64_t begin_ns = NowNs();
    const MemoryWait::End end = wait.Park(watch);
    mutator.timeline.AddCollectorTime(begin_ns, NowNs(), Interruption::kStall);
    if (end == MemoryWait::End::kCut) return Napi::Value();
    if (end == MemoryWait::End::kNoControl) return Number(info, kNoControl);
    if (wish.words == 0) return Number(info, kCollect);
    const std::optional<Allocation> taken = Take(instance, mutator, wish, watch);
    const bool in_vain = taken.has_value() && taken->answer == AllocationAnswer::kCollect;
    if (!in_vain || end == MemoryWait::End::kCompleted) return Answer(info, taken);
  }
}

// awaitFlip(mutator, kind, reason): the same without words, but only until mutators may build pages.
Napi::Value AwaitFlip(Info info, MutatorBinding& binding) {
  JavaScriptWatch watch(info.Env());
  if (!watch.MayWait()) return Napi::Value();
  MemoryWait wait(*binding.instance, *binding.mutator, {Uint32At(info, 1), Uint32At(info, 2)}, {}, MemoryWait::Until::kFlip);
  const uint64_t begin_ns = NowNs();
  const MemoryWait::End end = wait.Park(watch);
  binding.mutator->timeline.AddCollectorTime(begin_ns, NowNs(), Interruption::kStall);
  return Number(info, end == MemoryWait::End::kNoControl ? kNoControl : kCollect);
}

// recordStall(mutator, microseconds)
Napi::Value RecordStall(Info info, MutatorBinding& binding) {
  binding.instance->heap.statistics.stalls.Record(static_cast<uint64_t>(NumberAt(info, 1) * 1e3));
  return info.Env().Undefined();
}

}  // namespace

void ExportAllocation(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"allocateSlow", OnRunningMutator<AllocateSlowly>},
      {"allocateInPlace", OnRunningMutator<AllocateInPlace>},
      {"awaitMemory", OnMutator<AwaitMemory>},
      {"awaitFlip", OnMutator<AwaitFlip>},
      {"recordStall", OnMutator<RecordStall>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
