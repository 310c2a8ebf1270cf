#include "gc/root_copies.h"

#include <atomic>

#include "os/clock.h"
#include "os/lock.h"

namespace faultline {

namespace {

// Compared and copied in 2 to 10 us: workers share the end of the list.
constexpr uint32_t kSlotsAtOnce = 128 * RootCopy::kBlockSlots;
// Fewer are done before a worker would have woken up.
constexpr size_t kFewPieces = 16;

struct Piece {
  RootCopy* copy;
  uint32_t* slots;  // In a pause.
  uint32_t first;
  uint32_t end;
  bool is_held;  // What it had before counts.
};

// Hands out pieces of runs.
class PieceJob : public Job {
 public:
  // With room for so many pieces.
  explicit PieceJob(size_t most) { pieces_.reserve(most); }
  bool Exhausted() const override { return cursor_.load(std::memory_order_relaxed) >= pieces_.size(); }
  void RunInPause(Gang& gang) {
    if (pieces_.size() > kFewPieces) {
      gang.RunToEnd(this);
    } else {
      Run(Gang::kControlWorker, Gang::kForever);
    }
  }

 protected:
  void Add(RootCopy* copy, uint32_t* slots, uint32_t first, uint32_t end, bool is_held) {
    for (; first < end; first += kSlotsAtOnce) pieces_.push_back({copy, slots, first, std::min(first + kSlotsAtOnce, end), is_held});
  }
  size_t room() const { return pieces_.capacity() - pieces_.size(); }
  // Null when nothing is left.
  const Piece* Next() {
    // Relaxed: divides the work only; the gang orders its results.
    const size_t index = cursor_.fetch_add(1, std::memory_order_relaxed);
    return index < pieces_.size() ? &pieces_[index] : nullptr;
  }

 private:
  std::vector<Piece> pieces_;
  std::atomic<size_t> cursor_{0};
};

size_t PiecesOf(uint32_t slots) { return (slots + kSlotsAtOnce - 1) / kSlotsAtOnce; }

}  // namespace

class RootCopies::ForwardJob final : public PieceJob {
 public:
  ForwardJob(RootCopies* copies, size_t most) : PieceJob(most), tables_(*copies->tables_) {
    for (auto& [slots, entry] : copies->copies_) Add(&entry.copy, nullptr, 0, entry.copy.count(), true);
  }
  bool Run(uint32_t, uint64_t deadline_ns) override {
    while (NowNs() < deadline_ns) {
      const Piece* const piece = Next();
      if (piece == nullptr) return true;
      piece->copy->Forward(tables_, piece->first, piece->end);
    }
    return Exhausted();
  }

 private:
  const SideTables& tables_;
};

class RootCopies::UpdateJob final : public PieceJob {
 public:
  UpdateJob(const std::vector<Taken>& taken, std::vector<std::span<const uint32_t>>* copied) : PieceJob(0) {
    for (const auto& [copy, run] : taken) {
      const uint32_t known = std::min(copy->count(), run.count);
      copy->set_count(std::min(copy->room(), run.count));
      Add(copy, run.slots, 0, known, true);
      Add(copy, run.slots, known, copy->count(), false);
      for (uint32_t first = known; first < copy->count(); first += kSlotsAtOnce) {
        copied->push_back(copy->held(first, std::min(first + kSlotsAtOnce, copy->count())));
      }
    }
  }
  bool Run(uint32_t, uint64_t) override {
    std::vector<WordIndex> changed;
    while (const Piece* const piece = Next()) {
      if (piece->is_held) {
        piece->copy->Update(piece->slots, piece->first, piece->end, &changed);
      } else {
        piece->copy->Hold(piece->slots, piece->first, piece->end);
      }
    }
    const LockGuard guard(lock_);
    changed_.insert(changed_.end(), changed.begin(), changed.end());
    return true;
  }
  const std::vector<WordIndex>& changed() const { return changed_; }

 private:
  Lock lock_;
  std::vector<WordIndex> changed_;
};

class RootCopies::RewriteJob final : public PieceJob {
 public:
  RewriteJob(const SideTables& tables, size_t most) : PieceJob(most), tables_(tables) {}
  // False without room for it.
  bool AddRun(RootCopy* copy, uint32_t* slots, uint32_t count) {
    if (PiecesOf(count) > room()) return false;
    Add(copy, slots, 0, count, true);
    return true;
  }
  bool Run(uint32_t, uint64_t) override {
    RootCopy::Rewritten rewritten;
    while (const Piece* const piece = Next()) piece->copy->Rewrite(tables_, piece->slots, piece->first, piece->end, &rewritten);
    // Relaxed: the gang orders them.
    as_computed_.fetch_add(rewritten.as_computed, std::memory_order_relaxed);
    looked_up_.fetch_add(rewritten.looked_up, std::memory_order_relaxed);
    return true;
  }
  RootCopy::Rewritten rewritten() const {
    return {as_computed_.load(std::memory_order_relaxed), looked_up_.load(std::memory_order_relaxed)};
  }

 private:
  const SideTables& tables_;
  std::atomic<uint64_t> as_computed_{0};
  std::atomic<uint64_t> looked_up_{0};
};

RootCopies::RootCopies(const SideTables* tables) : tables_(tables) {}
RootCopies::~RootCopies() = default;

void RootCopies::BeginCycle() {
  std::erase_if(copies_, [](const auto& copy) { return !copy.second.met; });
  for (auto& [slots, entry] : copies_) entry.met = false;
}

bool RootCopies::Provide(uint64_t deadline_ns) {
  for (; !noted_.empty(); noted_.pop_back()) {
    const auto [slots, count] = noted_.back();
    if (const auto copy = copies_.find(slots); copy != copies_.end() && copy->second.copy.room() < count) copies_.erase(copy);
    if (copies_.size() >= kMostCopies && !copies_.contains(slots)) continue;
    const auto [copy, is_new] = copies_.try_emplace(slots);
    // A quarter more, so that a run that grows does not need another copy each time.  Without memory there is none.
    if (is_new && !copy->second.copy.Create(count + count / 4).ok()) {
      copies_.erase(copy);
    } else if (!copy->second.copy.Provide(deadline_ns)) {
      return false;
    }
  }
  return true;
}

bool RootCopies::Forward(Gang& gang, uint64_t deadline_ns) {
  if (forwarded()) return true;
  size_t pieces = 0;
  for (const auto& [slots, entry] : copies_) pieces += PiecesOf(entry.copy.count());
  if (forward_job_ == nullptr) forward_job_ = std::make_unique<ForwardJob>(this, pieces);
  if (!gang.RunSlice(forward_job_.get(), deadline_ns, Gang::Start::kAlone)) return false;
  forward_job_.reset();
  rewrite_job_ = std::make_unique<RewriteJob>(*tables_, pieces);
  return true;
}

void RootCopies::Forget() {
  for (auto& [slots, entry] : copies_) entry.copy.set_count(0);
  rewrite_job_.reset();
}

RootCopies::Entry* RootCopies::Find(const RootRun& run) {
  if (run.count < kLeastSlots || !run.stands_still) return nullptr;
  const auto found = copies_.find(run.slots);
  if (found == copies_.end()) return nullptr;
  found->second.met = true;
  return &found->second;
}

uint32_t RootCopies::Take(const RootRun& run) {
  Entry* const entry = Find(run);
  const uint32_t room = entry == nullptr ? 0 : entry->copy.room();
  if (room < run.count && run.count >= kLeastSlots && run.stands_still) noted_.push_back({run.slots, run.count});
  if (entry != nullptr) taken_.push_back({&entry->copy, run});
  return std::min(room, run.count);
}

void RootCopies::Update(Gang& gang, std::vector<WordIndex>* changed, std::vector<std::span<const uint32_t>>* copied) {
  UpdateJob job(taken_, copied);
  job.RunInPause(gang);
  changed->insert(changed->end(), job.changed().begin(), job.changed().end());
  taken_.clear();
}

uint32_t RootCopies::Rewritable(const RootRun& run) {
  Entry* const entry = Find(run);
  if (entry == nullptr) return 0;
  const uint32_t count = std::min(entry->copy.count(), run.count);
  return rewrite_job_->AddRun(&entry->copy, run.slots, count) ? count : 0;
}

RootCopy::Rewritten RootCopies::Rewrite(Gang& gang) {
  rewrite_job_->RunInPause(gang);
  for (auto& [slots, entry] : copies_) entry.copy.TakeNext();
  const RootCopy::Rewritten rewritten = rewrite_job_->rewritten();
  rewrite_job_.reset();
  return rewritten;
}

void RootCopies::Check() const {
  for (const auto& [slots, entry] : copies_) entry.copy.Check(*tables_);
}

}  // namespace faultline
