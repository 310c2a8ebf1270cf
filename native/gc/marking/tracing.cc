#include "gc/marking/tracing.h"

#include <algorithm>

#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

namespace {

constexpr size_t kReferencesAtOnce = 1024;
constexpr size_t kWrittenAtOnce = 4;
// Small enough that workers share the end of the list and return in time, large enough for one scan of the page table.
constexpr uint32_t kTracedPiecePages = 4 * kRegionPages;
// Nothing is traced during this scan, so it takes a hundredth of that time; in a smaller piece the call itself would dominate.
constexpr uint32_t kScannedPiecePages = 32 * kRegionPages;
// One flush of the TLB arms the pages of one page table.
constexpr uint32_t kPageTablePages = 512;

}  // namespace

class Tracing::TraceJob final : public Job {
 public:
  explicit TraceJob(Tracing* tracing) : tracing_(tracing) {}
  bool Run(uint32_t, uint64_t deadline_ns) override { return tracing_->Work(deadline_ns); }
  bool Exhausted() const override { return tracing_->Exhausted(); }

 private:
  Tracing* tracing_;
};

// Finds out which pages were written, piece by piece.
class Tracing::CollectJob final : public Job {
 public:
  CollectJob(Tracing* tracing, bool rearm) : tracing_(tracing), rearm_(rearm) {}
  bool Run(uint32_t, uint64_t) override {
    std::vector<Piece> written;
    for (;;) {
      const size_t index = tracing_->next_piece_.fetch_add(1, std::memory_order_relaxed);
      if (index >= tracing_->pieces_.size()) break;
      const Piece& piece = tracing_->pieces_[index];
      const uint64_t pages = tracing_->dirty_pages_->Harvest(
          piece.first, piece.count, rearm_, [&written](PageIndex first, uint32_t count) { written.push_back({first, count}); });
      tracing_->written_pages_.fetch_add(pages, std::memory_order_relaxed);
    }
    const LockGuard guard(tracing_->lock_);
    tracing_->written_.insert(tracing_->written_.end(), written.begin(), written.end());
    return true;
  }
  bool Exhausted() const override { return tracing_->next_piece_.load(std::memory_order_relaxed) >= tracing_->pieces_.size(); }

 private:
  Tracing* tracing_;
  const bool rearm_;
};

Tracing::Tracing(Heap* heap, const uint16_t* young_from)
    : heap_(heap), young_from_(young_from), ephemerons_(heap->hash_key), root_copies_(&heap->tables) {}

Tracing::~Tracing() = default;

std::unique_ptr<Tracer> Tracing::TakeTracer() {
  const LockGuard guard(lock_);
  if (tracers_.empty()) return std::make_unique<Tracer>(heap_, &pool_, &ephemerons_, young_from_);
  std::unique_ptr<Tracer> tracer = std::move(tracers_.back());
  tracers_.pop_back();
  return tracer;
}

void Tracing::CopyRoots(Gang& gang) {
  FAULTLINE_CHECK(copied_roots_.empty(), "what was copied is traced before it is copied anew");
  const auto copy_root = [this](const uint32_t* slot) {
    DelayAt(DelayPoint::kRootFound);
    const uint32_t root = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (IsReference(root)) references_.emplace_back(root);
  };
  heap_->ForEachRun([&](const RootRun& run) { run.ForEachRoot(copy_root, root_copies_.Take(run)); }, [] {});
  root_copies_.Update(gang, &references_, &copied_roots_);
  Begin();
}

void Tracing::AddReferences(const WordIndex* references, size_t count) {
  references_.insert(references_.end(), references, references + count);
  Begin();
}

void Tracing::AddPieces(DirtyPages* dirty_pages, uint32_t piece_pages) {
  dirty_pages_ = dirty_pages;
  written_pages_.store(0, std::memory_order_relaxed);
  RegionIndex end{0};
  for (const RegionIndex region : heap_->regions.committed()) {
    const RegionUse use = heap_->regions.use(region);
    // (R) What is written in a leaf region leads nowhere.
    if (use.state == RegionState::kFree || use.used_pages == 0 || IsLeaf(use.kind)) continue;
    end = region + 1;
    const PageIndex first = FirstPageOfRegion(region);
    if (!pieces_.empty() && pieces_.back().first + pieces_.back().count == first && pieces_.back().count < piece_pages) {
      pieces_.back().count += use.used_pages;
    } else {
      pieces_.push_back({first, use.used_pages});
    }
  }
  dirty_pages->Reach(end);
}

void Tracing::AddWrittenPages(DirtyPages* dirty_pages) {
  AddPieces(dirty_pages, kTracedPiecePages);
  Begin();
}

bool Tracing::AddWrittenPagesUpTo(uint64_t most_pages, Gang& gang, DirtyPages* dirty_pages) {
  AddPieces(dirty_pages, kScannedPiecePages);
  CollectJob scan(this, false);
  gang.RunToEnd(&scan);
  ClearPieces();
  const uint64_t pages = written_pages();
  if (pages > most_pages) {
    const bool here = pages <= kMostLeftForPauses;
    NarrowPieces(here ? kMostArmedInPause : pages);
    written_pages_.store(0, std::memory_order_relaxed);
    if (here) {
      // Alone: if no other CPU runs a thread of the process, arming a page interrupts none (1 us instead of 4).
      CollectJob(this, true).Run(Gang::kControlWorker, Gang::kForever);
      ClearPieces();
    }
  }
  Begin();
  return pages <= most_pages;
}

void Tracing::ClearPieces() {
  pieces_.clear();
  next_piece_.store(0, std::memory_order_relaxed);
}

bool Tracing::MayBeOnePiece(PageIndex first, PageIndex last) const {
  for (RegionIndex region = RegionOfPage(first); region < RegionOfPage(last); ++region) {
    const RegionUse use = heap_->regions.use(region);
    if (IsLeaf(use.kind) || use.used_pages < kRegionPages) return false;
  }
  return true;
}

void Tracing::NarrowPieces(uint64_t most_pages) {
  const auto before = [](const Piece& a, const Piece& b) { return a.first < b.first; };
  std::sort(written_.begin(), written_.end(), before);
  uint64_t left = most_pages;
  for (Piece run : written_) {
    if (left == 0) break;
    run.count = static_cast<uint32_t>(std::min<uint64_t>(run.count, left));
    left -= run.count;
    if (pieces_.empty() || run.first - pieces_.back().first >= kPageTablePages || !MayBeOnePiece(pieces_.back().first, run.first)) {
      pieces_.push_back(run);
      continue;
    }
    // A page noted by DirtyPages::Note may lie in a run that the kernel found.
    Piece& piece = pieces_.back();
    piece.count = std::max(piece.count, run.first + run.count - piece.first);
  }
  written_.clear();
}

void Tracing::AddUnfinished() {
  for (const std::unique_ptr<Tracer>& tracer : tracers_) {
    tracer->GiveUnfinished();
  }
  Begin();
}

void Tracing::Begin() {
  if (job_ == nullptr) job_ = std::make_unique<TraceJob>(this);
  published_ = false;
}

bool Tracing::Work(uint64_t deadline_ns) {
  if (Exhausted()) return true;
  std::unique_ptr<Tracer> tracer = TakeTracer();
  const bool exhausted = WorkWith(*tracer, deadline_ns);
  const LockGuard guard(lock_);
  tracers_.push_back(std::move(tracer));
  return exhausted;
}

bool Tracing::WorkWith(Tracer& tracer, uint64_t deadline_ns) {
  pool_.Join();
  const auto in_time = [deadline_ns] { return deadline_ns == Gang::kForever || NowNs() < deadline_ns; };
  for (;;) {
    while (in_time()) {
      const size_t first = next_reference_.fetch_add(kReferencesAtOnce, std::memory_order_relaxed);
      if (first >= references_.size()) break;
      const size_t end = std::min(first + kReferencesAtOnce, references_.size());
      for (size_t i = first; i < end; ++i) tracer.AddRoot(references_[i]);
    }
    while (in_time()) {
      const size_t index = next_copied_.fetch_add(1, std::memory_order_relaxed);
      if (index >= copied_roots_.size()) break;
      for (const uint32_t root : copied_roots_[index]) {
        if (IsReference(root)) tracer.AddRoot(WordIndex(root));
      }
    }
    while (in_time()) {
      const size_t index = next_piece_.fetch_add(1, std::memory_order_relaxed);
      if (index >= pieces_.size()) break;
      const uint64_t pages = dirty_pages_->Harvest(pieces_[index].first, pieces_[index].count, true,
                                                   [&tracer](PageIndex first, uint32_t count) { tracer.TracePages(first, count); });
      written_pages_.fetch_add(pages, std::memory_order_relaxed);
    }
    while (in_time()) {
      const size_t first = next_written_.fetch_add(kWrittenAtOnce, std::memory_order_relaxed);
      if (first >= written_.size()) break;
      const size_t end = std::min(first + kWrittenAtOnce, written_.size());
      for (size_t i = first; i < end; ++i) tracer.TracePages(written_[i].first, written_[i].count);
    }
    if (!tracer.Drain(deadline_ns)) return Exhausted();
    if (Exhausted()) return true;
    if (!in_time()) return false;
    pool_.Join();
  }
}

bool Tracing::Exhausted() const {
  return next_reference_.load(std::memory_order_relaxed) >= references_.size() &&
         next_copied_.load(std::memory_order_relaxed) >= copied_roots_.size() &&
         next_piece_.load(std::memory_order_relaxed) >= pieces_.size() &&
         next_written_.load(std::memory_order_relaxed) >= written_.size() && pool_.Idle();
}

void Tracing::End() {
  job_.reset();
  references_.clear();
  copied_roots_.clear();
  ClearPieces();
  written_.clear();
  next_reference_.store(0, std::memory_order_relaxed);
  next_copied_.store(0, std::memory_order_relaxed);
  next_written_.store(0, std::memory_order_relaxed);
}

bool Tracing::Run(Gang& gang, uint64_t deadline_ns) {
  if (job_ == nullptr) return true;
  if (!gang.RunSlice(job_.get(), deadline_ns, Gang::Start::kAlone)) return false;
  End();
  return true;
}

void Tracing::RunToEnd(Gang& gang) {
  Begin();
  gang.RunToEnd(job_.get());
  End();
}

AllWeakFinds Tracing::TakeFinds() {
  AllWeakFinds finds;
  for (const std::unique_ptr<Tracer>& tracer : tracers_) {
    WeakFinds& found = tracer->weak_finds();
    if (!found.slots.empty()) finds.slots.push_back(std::move(found.slots));
    found.Clear();
  }
  finds.ephemerons = ephemerons_.TakeAll();
  return finds;
}

void Tracing::Publish() {
  for (const std::unique_ptr<Tracer>& tracer : tracers_) {
    FAULTLINE_CHECK(!tracer->has_unfinished(), "everything that was found has been looked into");
    tracer->Publish(&marked_objects_, &marked_words_);
  }
  published_ = true;
}

bool Tracing::GiveUp(Gang& gang, uint64_t deadline_ns) {
  if (published_) return true;
  if (!Run(gang, deadline_ns)) return false;
  for (const std::unique_ptr<Tracer>& tracer : tracers_) {
    tracer->CountUnfinished();
  }
  Publish();
  return true;
}

void Tracing::Reset() {
  marked_objects_ = marked_words_ = 0;
  root_copies_.Forget();
  ephemerons_.TakeAll();
  for (const std::unique_ptr<Tracer>& tracer : tracers_) tracer->weak_finds().Clear();
}

}  // namespace faultline
