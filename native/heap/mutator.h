// Mutator: one thread that runs user code on the heap, and the roots it holds.
//
// Its control block (state word, TLAB, local roots, handles) lies in memory that the thread accesses without calls; layout.h has its
// layout.  Everything else is here.
#pragma once

#include <atomic>
#include <cstdint>

#include "heap/fault_around.h"
#include "heap/layout.h"
#include "heap/region_states.h"
#include "heap/root_ranges.h"
#include "heap/root_run.h"
#include "heap/timeline.h"

namespace faultline {

class Handshake;
class Heap;
class ThreadState;
class ThreadWait;

class Mutator {
 public:
  Mutator(Heap* heap, uint32_t* control, uint32_t local_capacity, uint32_t handle_capacity)
      : heap(heap), control(control), local_capacity(local_capacity), handle_capacity(handle_capacity) {}
  Mutator(const Mutator&) = delete;
  Mutator& operator=(const Mutator&) = delete;

  // The words of the TLAB for objects of a kind.
  struct Tlab {
    uint32_t& top;
    uint32_t& limit;
    uint32_t& start;
  };
  Tlab TlabOf(RegionKind kind) {
    if (kind == RegionKind::kLeaf)
      return {control[control::kLeafTlabTop], control[control::kLeafTlabLimit], control[control::kLeafTlabStart]};
    return {control[control::kTlabTop], control[control::kTlabLimit], control[control::kTlabStart]};
  }

  std::atomic<uint32_t>* state() { return reinterpret_cast<std::atomic<uint32_t>*>(&control[control::kState]); }

  // The write barrier's log, kLogEntries long.
  uint32_t* log() { return control + control::kSlots + local_capacity + handle_capacity; }

  // Visits the runs of its root slots, as far as they count.  The mutator is stopped, or is the caller.
  template <typename Visit>
  void ForEachRun(Visit visit) {
    ForEachOwnRun(visit);
    ranges.ForEach([&](const RootRange& range) { visit(RunOf(range)); });
  }
  // Those of the control block.
  template <typename Visit>
  void ForEachOwnRun(Visit visit) {
    visit(RunOf(control + control::kFirstTemporary, control[control::kTemporariesUsed], control::kTemporaries));
    uint32_t* const locals = control + control::kSlots;
    visit(RunOf(locals, control[control::kLocalsUsed], local_capacity));
    visit(RunOf(locals + local_capacity, control[control::kHandlesUsed], handle_capacity));
  }
  RootRun RunOf(const RootRange& range) const { return RunOf(range.slots, *range.used, range.capacity); }

  Heap* const heap;
  uint32_t* const control;
  const uint32_t local_capacity;
  const uint32_t handle_capacity;

  // Changed by the mutator's own thread, never during a pause: by ChangeRoots (heap/thread_state.h), since a parked mutator may do it too.
  RootRanges ranges;

  Timeline timeline;
  FaultAround fault_around;

  // Makes the thread's event loop come to a safepoint; may be null.  Called under the lock of the mutator list.
  void (*nudge)(void* context) = nullptr;
  void* nudge_context = nullptr;
  bool nudged = false;  // For the current request.  Under that lock.
  // Whether the last nudge found the thread idle, with a stop still requested: the next one is sent at once.  A hint, so relaxed.
  std::atomic<bool> idles{false};

  uint32_t id = 0;

  uint32_t thread = 0;  // As gettid() gives it; in the heap's thread directory.

  // The large object that is being zeroed, 0 for none.
  WordIndex pending_large{0};

  uint64_t memory_place = 0;  // Place of the last wait in the queue for memory.

  Handshake* handshake = nullptr;  // Of its heap; set when it is added.

  // The thread's one state (heap/thread_state.h), the thread's other mutators, and the wait that has parked this one.
  ThreadState* thread_state = nullptr;
  Mutator* next_of_thread = nullptr;
  const ThreadWait* wait = nullptr;

  // Whether its thread is in a wait in which nothing of its program runs, so that nobody stores into its roots before the wait is over.
  // Relaxed: set before the thread parks, and read in pauses, which the park orders; cleared when the mutator runs again, or when its
  // thread runs no program any more.
  std::atomic<bool> stands_still{false};

 private:
  RootRun RunOf(uint32_t* slots, uint32_t used, uint32_t capacity) const {
    return {slots, used < capacity ? used : capacity, stands_still.load(std::memory_order_relaxed)};
  }
};

// The calling thread's mutator of `heap`, or null.  Async-signal-safe.
Mutator* CurrentMutator(const Heap* heap);
// Enters the calling thread in the heap's thread directory, and takes it out.
void EnterInDirectory(Mutator* mutator);
void LeaveDirectory(Mutator* mutator);

}  // namespace faultline
