// Finalizers: objects whose death a program wants to be told of, and the queue of those that have died.
//
//     free ──Add──▶ waiting ──found dead──▶ dying ──all that it refers to is marked──▶ ready ──Take──▶ free, or taken
//
//   state    who changes it                  the object lies                      the entry keeps it alive
//   waiting  a mutator (Add)                 in a slot that is not traced         no
//   dying    the collector, after remark     in a slot that is traced             yes
//   ready    the collector                   the same                             yes: it has been resurrected
//   taken    a thread without a mutator      the same, until the next marking     yes, until then
//   free
//
// A ready entry is handed out once, to the thread that asks first; its object is alive and complete, and may be kept, dropped, or
// registered again (guardians: Dybvig, Bruggeman & Eby, "Guardians in a generation-based garbage collector", PLDI 1993).
//
// Entries come in chunks.  A chunk's objects lie in the heap, in two arrays of kEntries slots: `waiting` with elements of kind
// kFinalizable, `kept` with references.  So the flip rewrites two roots per chunk, and the slots are forwarded like any others, page by
// page.  Held values and states are in native memory.
//
// One lock, held for one entry by mutators and for one chunk by the collector.  Mutators touch the arrays without it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "heap/layout.h"
#include "os/lock.h"

namespace faultline {

class Heap;
class Mutator;

class Finalizers {
 public:
  // With its header, each of the two arrays is as large as a page.
  static constexpr uint32_t kEntries = kPageWords * 2 - kHeaderSlots;

  // Mutators; the caller is running.
  //
  // False when there is no free entry: make two arrays of kEntries elements, call AddChunk, try again.
  bool Add(Heap& heap, Mutator& mutator, WordIndex object, double held_value);
  void AddChunk(WordIndex waiting, WordIndex kept);
  // Takes a ready entry; false when there is none.  `object` is set if `mutator` is a running mutator; without one the object is dropped,
  // and the caller gets only its held value.
  bool Take(Heap& heap, Mutator* mutator, double* held_value, WordIndex* object);

  // For the collector, between remark and sweep, chunk by chunk: finds waiting entries with dead objects, through the alias, and adds the
  // objects to `dead`; the caller marks everything they lead to and then calls PublishDying.  `note_write` is called for the pages written.
  template <typename IsAlive, typename NoteWrite>
  void FindDead(Heap& heap, uint32_t chunk, IsAlive is_alive, NoteWrite note_write, std::vector<WordIndex>* dead);
  uint32_t PublishDying();
  uint32_t chunk_count();

  // The world is stopped.
  template <typename Visit>
  void ForEachRoot(Visit visit) {
    for (const std::unique_ptr<Chunk>& chunk : chunks_) {
      visit(&chunk->waiting);
      visit(&chunk->kept);
    }
  }

  // Relaxed: for statistics.
  uint64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  uint64_t ready() const { return ready_.load(std::memory_order_relaxed); }

 private:
  enum class State : uint8_t { kFree, kWaiting, kDying, kReady, kTaken };
  struct Chunk {
    // Root slots.
    uint32_t waiting = 0;
    uint32_t kept = 0;
    std::vector<double> held_values = std::vector<double>(kEntries);
    std::vector<State> states = std::vector<State>(kEntries, State::kFree);
    std::vector<uint32_t> free;
    uint32_t used = 0;  // Entries below this were in use at some time.
    uint32_t ready = 0;
    uint32_t ready_from = 0;  // No entry before this is ready.
  };

  struct Entry {
    Chunk* chunk;
    uint32_t chunk_index;
    uint32_t index;
  };

  static uint32_t* AliasElements(Heap& heap, WordIndex array);
  // The entry's state is free, but it is in no list: the collector skips it.
  std::optional<Entry> TakeFree(double held_value);
  std::optional<Entry> TakeReady(State then, double* held_value);

  Lock lock_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  uint32_t next_add_ = 0;   // Chunks before this are full.
  uint32_t next_take_ = 0;  // Chunks before this have nothing ready.
  std::atomic<uint64_t> waiting_{0};
  std::atomic<uint64_t> ready_{0};
};

template <typename IsAlive, typename NoteWrite>
void Finalizers::FindDead(Heap& heap, uint32_t index, IsAlive is_alive, NoteWrite note_write, std::vector<WordIndex>* dead) {
  const LockGuard guard(lock_);
  Chunk& chunk = *chunks_[index];
  uint32_t* const waiting = AliasElements(heap, WordIndex(chunk.waiting));
  uint32_t* const kept = AliasElements(heap, WordIndex(chunk.kept));
  bool wrote = false;
  for (uint32_t i = 0; i < chunk.used; ++i) {
    if (chunk.states[i] == State::kTaken) {
      kept[i] = 0;
      chunk.states[i] = State::kFree;
      chunk.free.push_back(i);
      next_add_ = index < next_add_ ? index : next_add_;
      wrote = true;
    } else if (chunk.states[i] == State::kWaiting && !is_alive(WordIndex(waiting[i]))) {
      dead->emplace_back(waiting[i]);
      kept[i] = waiting[i];
      waiting[i] = 0;
      chunk.states[i] = State::kDying;
      wrote = true;
    }
  }
  if (!wrote) return;
  for (const WordIndex array : {WordIndex(chunk.waiting), WordIndex(chunk.kept)}) {
    note_write(PageOf(array), PageOf(array + kPageWords - 1) - PageOf(array) + 1);
  }
}

}  // namespace faultline
