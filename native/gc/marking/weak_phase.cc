#include "gc/marking/weak_phase.h"

#include <algorithm>

#include "gc/marking/tracing.h"
#include "heap/weak_access.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr size_t kFindsAtOnce = 1024;

// Tells the marker of pages written through the alias, one by one.
class WrittenPages {
 public:
  explicit WrittenPages(Marker* marker) : marker_(marker) {}
  void Note(WordIndex word) {
    if (PageOf(word) == last_) return;
    last_ = PageOf(word);
    marker_->NoteAliasWrite(last_, 1);
  }

 private:
  Marker* marker_;
  PageIndex last_{~0u};
};

}  // namespace

// Clears references to dead objects.  A mutator may change a slot meanwhile, but never to a dead object, and a changed slot is not
// overwritten: every clearing is one compare-and-swap with the value that was read.
class WeakPhase::ClearJob final : public Job {
 public:
  ClearJob(Heap* heap, Marker* marker, const AllWeakFinds& finds) : heap_(heap), marker_(marker) {
    for (const std::vector<uint32_t>& slots : finds.slots) AddPieces(&slots, nullptr, slots.size());
    for (const std::vector<Ephemeron>& ephemerons : finds.ephemerons) AddPieces(nullptr, &ephemerons, ephemerons.size());
  }

  bool Run(uint32_t, uint64_t deadline_ns) override {
    WrittenPages written(marker_);
    while (NowNs() < deadline_ns) {
      DelayAt(DelayPoint::kClearing);
      // Relaxed: divides the work only.
      const size_t index = cursor_.fetch_add(1, std::memory_order_relaxed);
      if (index >= pieces_.size()) return true;
      const Piece& piece = pieces_[index];
      uint64_t cleared = 0;
      for (size_t i = piece.first; i < piece.end; ++i) {
        cleared += piece.slots != nullptr ? ClearSlot((*piece.slots)[i], &written) : ClearEphemeron((*piece.ephemerons)[i], &written);
      }
      (piece.slots != nullptr ? cleared_slots : cleared_ephemerons).fetch_add(cleared, std::memory_order_relaxed);
    }
    return false;
  }
  bool Exhausted() const override { return cursor_.load(std::memory_order_relaxed) >= pieces_.size(); }

  std::atomic<uint64_t> cleared_slots{0};
  std::atomic<uint64_t> cleared_ephemerons{0};

 private:
  // Of slots, or of ephemerons.
  struct Piece {
    const std::vector<uint32_t>* slots;
    const std::vector<Ephemeron>* ephemerons;
    size_t first;
    size_t end;
  };

  void AddPieces(const std::vector<uint32_t>* slots, const std::vector<Ephemeron>* ephemerons, size_t count) {
    for (size_t first = 0; first < count; first += kFindsAtOnce) {
      pieces_.push_back({slots, ephemerons, first, std::min(first + kFindsAtOnce, count)});
    }
  }

  // Release: partner of the acquire loads in ReadWeak and of a weak map's key.
  template <typename Slot>
  static bool Replace(Slot* slot, Slot old, Slot with) {
    return __atomic_compare_exchange_n(slot, &old, with, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  }

  bool ClearSlot(uint32_t number, WrittenPages* written) {
    uint32_t* const slot = heap_->slots() + number;
    const uint32_t value = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (!IsReference(value) || FoundAlive(*heap_, WordIndex(value)) || !Replace(slot, value, 0u)) return false;
    written->Note(WordIndex(number / 2));
    return true;
  }

  // A pair is one word, and one step turns it into a removed pair (heap/weak_map.h).  The list may name it several times, so another thread
  // may clear it, and a mutator store something else there, before this one is done.
  bool ClearEphemeron(Ephemeron ephemeron, WrittenPages* written) {
    const WordIndex word = heap_->PairOf(ephemeron.table, ephemeron.index);
    uint64_t* const pair = heap_->words() + word;
    const uint64_t was = __atomic_load_n(pair, __ATOMIC_RELAXED);
    const WordIndex key(static_cast<uint32_t>(was));
    const uint32_t value = static_cast<uint32_t>(was >> 32);
    if (!IsReference(key) || key == ephemeron.table) return false;
    if (FoundAlive(*heap_, key)) {
      FAULTLINE_CHECK(!IsReference(value) || FoundAlive(*heap_, WordIndex(value)),
                      "(M) the value of a key that is alive is alive (key, value)", key, value);
      return false;
    }
    DelayAt(DelayPoint::kClearingPair);
    constexpr uint64_t kNoValue = 0;
    if (!Replace(pair, was, kNoValue << 32 | ephemeron.table)) return false;
    written->Note(word);
    return true;
  }

  Heap* heap_;
  Marker* marker_;
  std::vector<Piece> pieces_;
  std::atomic<size_t> cursor_{0};
};

WeakPhase::WeakPhase(Heap* heap, Marker* marker) : heap_(heap), marker_(marker) {}

WeakPhase::~WeakPhase() = default;

void WeakPhase::Begin() {
  FAULTLINE_CHECK(over(), "a weak phase ends before the next marking does");
  report_ = WeakReport{};
  finds_ = marker_->tracing().TakeFinds();
  const bool guarded = !finds_.empty();
  heap_->handshake.SetWeakAccess(static_cast<uint32_t>(guarded ? WeakAccess::kGuarded : WeakAccess::kOpen));
  next_chunk_ = 0;
  dead_.clear();
  if (guarded) {
    step_ = Step::kClearing;
  } else if (heap_->finalizers.chunk_count() > 0) {
    step_ = Step::kFinding;
  }
}

bool WeakPhase::Clear(Gang& gang, uint64_t deadline_ns) {
  if (clear_job_ == nullptr) clear_job_ = std::make_unique<ClearJob>(heap_, marker_, finds_);
  if (!gang.RunSlice(clear_job_.get(), deadline_ns)) return false;
  report_.cleared_slots += clear_job_->cleared_slots.load(std::memory_order_relaxed);
  report_.cleared_ephemerons += clear_job_->cleared_ephemerons.load(std::memory_order_relaxed);
  clear_job_.reset();
  finds_ = AllWeakFinds{};
  return true;
}

bool WeakPhase::FindDead(uint64_t deadline_ns) {
  const auto is_alive = [this](WordIndex object) { return FoundAlive(*heap_, object); };
  const auto note_write = [this](PageIndex first, uint32_t count) { marker_->NoteAliasWrite(first, count); };
  for (const uint32_t chunks = heap_->finalizers.chunk_count(); next_chunk_ < chunks; ++next_chunk_) {
    if (NowNs() >= deadline_ns) return false;
    heap_->finalizers.FindDead(*heap_, next_chunk_, is_alive, note_write, &dead_);
  }
  return true;
}

bool WeakPhase::Run(Gang& gang, uint64_t deadline_ns) {
  Tracing& tracing = marker_->tracing();
  switch (step_) {
    case Step::kOver:
      return true;
    case Step::kClearing:
      if (!Clear(gang, deadline_ns)) return false;
      // (W) From here on no weak slot that a mutator can reach refers to a dead object.
      heap_->handshake.SetWeakAccess(static_cast<uint32_t>(WeakAccess::kOpen));
      step_ = Step::kFinding;
      [[fallthrough]];
    case Step::kFinding:
      if (!FindDead(deadline_ns)) return false;
      if (dead_.empty()) {
        step_ = Step::kOver;
        return true;
      }
      tracing.AddReferences(dead_.data(), dead_.size());
      dead_.clear();
      step_ = Step::kRaising;
      [[fallthrough]];
    case Step::kRaising: {
      if (!tracing.Run(gang, deadline_ns)) return false;
      finds_ = tracing.TakeFinds();
      const uint64_t before = tracing.marked_objects();
      tracing.Publish();
      report_.resurrected_objects = tracing.marked_objects() - before;
      step_ = Step::kClearingRaised;
      [[fallthrough]];
    }
    case Step::kClearingRaised:
      if (!Clear(gang, deadline_ns)) return false;
      report_.finalizable = heap_->finalizers.PublishDying();
      step_ = Step::kOver;
      return true;
  }
  return true;
}

}  // namespace faultline
