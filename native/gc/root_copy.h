// RootCopy: what one long run of root slots held when a pause last looked at it, and what it will hold after the flip.
//
//     held, as of the last pause of marking        a b c d e f
//     next, computed after the plan                a b' c d' e' f
//     the program stores x over c; then the flip
//     the slots                                    a b x d e f   ──▶   a b' x' d' e' f      only x is looked up in the pause
//
// (D) What was done beforehand with the copy of a root counts only while the root holds what was copied.
//
// So each pause compares the slots with `held`; what differs is traced, or forwarded, like any other root.  The comparison is one of
// values, and it does not matter whose slots they were: a value that was traced in this marking is marked (M), and where an object lives
// after the flip does not depend on who refers to it (P).
//
// Between two pauses nobody reads the slots: those above the ones that count hold stale numbers, and the program may release all of them.
// In a pause the owner of the slots stands still (heap/root_run.h), and several threads may work on a copy, each on slots of its own.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "heap/mapped_array.h"
#include "heap/root_run.h"
#include "heap/side_tables.h"
#include "os/result.h"

namespace faultline {

class RootCopy {
 public:
  static constexpr uint32_t kBlockSlots = 64;

  // Room for at least `slots`.
  Status Create(uint32_t slots);
  // Gives the room pages, in slices; true when it has them.
  bool Provide(uint64_t deadline_ns);
  uint32_t room() const { return room_; }

  // How many slots are held, from the first on; the contents of new ones are up to Hold.
  uint32_t count() const { return count_; }
  void set_count(uint32_t count) { count_ = count; }

  // --- Marking, in a pause ------------------------------------------------------------------------------------------------
  // Holds what the slots [first, end) hold, whatever was there before.
  void Hold(const uint32_t* slots, uint32_t first, uint32_t end);
  // The same, and adds to `changed` the references that differ from what was held.
  void Update(const uint32_t* slots, uint32_t first, uint32_t end, std::vector<WordIndex>* changed);
  std::span<const uint32_t> held(uint32_t first, uint32_t end) const { return {held_ + first, end - first}; }

  // --- The flip; `first` begins a block ---------------------------------------------------------------------------------
  // After the plan, while threads run: computes what the held slots will hold.
  void Forward(const SideTables& tables, uint32_t first, uint32_t end);
  // Checks (D) for what Forward has computed.
  void Check(const SideTables& tables) const;
  struct Rewritten {
    uint64_t as_computed = 0;  // References for which Forward had done the work …
    uint64_t looked_up = 0;    // … and others.
  };
  // In the pause.
  void Rewrite(const SideTables& tables, uint32_t* slots, uint32_t first, uint32_t end, Rewritten* rewritten);
  // After it: what the slots hold now is the copy.
  void TakeNext() { std::swap(held_, next_); }

 private:
  struct Block {
    uint8_t references = 0;
    bool moves = false;  // Something in it will be elsewhere.
  };

  MappedArray<uint32_t> slots_;  // `held`, then `next`; they change places.
  MappedArray<Block> blocks_;
  uint32_t* held_ = nullptr;
  uint32_t* next_ = nullptr;
  uint32_t room_ = 0;
  uint32_t count_ = 0;
  size_t provided_bytes_ = 0;
};

}  // namespace faultline
