#include "heap/allocation.h"

#include <algorithm>
#include <cstring>

#include "os/clock.h"

namespace faultline {

namespace {

// An object that would take more than this share of a TLAB gets pages of its own, so that it does not end a TLAB early.
constexpr uint32_t kTlabShare = 4;

// Counts the time until the end of the scope as that of a slow path, in a heap that tracks utilization.
class SlowPathTime {
 public:
  explicit SlowPathTime(Timeline& timeline) : timeline_(timeline), begin_ns_(timeline.enabled() ? NowNs() : 0) {}
  ~SlowPathTime() {
    if (timeline_.enabled()) timeline_.AddCollectorTime(begin_ns_, NowNs(), Interruption::kSlowPath);
  }
  SlowPathTime(const SlowPathTime&) = delete;
  SlowPathTime& operator=(const SlowPathTime&) = delete;

 private:
  Timeline& timeline_;
  const uint64_t begin_ns_;
};

// Zeroed without a safepoint: a stop may have to wait that long.
constexpr size_t kLargePieceBytes = size_t{128} << 10;

void RecordRun(Heap& heap, const PageRun& run) {
  const WordIndex start = FirstWordOfPage(run.first);
  for (uint32_t i = 0; i < run.count; ++i) heap.tables.page_records[run.first + i] = {start, 0};
}

// Zeroes and maps the pages.  If the kernel refuses to commit them, the run stays behind as an empty, used-up TLAB.
Status PreparePages(Heap& heap, const PageRun& run) {
  const size_t offset = size_t{run.first} * kPageBytes;
  const size_t bytes = size_t{run.count} * kPageBytes;
  const size_t dirty = size_t{run.dirty} * kPageBytes;
  if (heap.collector_hooks != nullptr && heap.collector_hooks->IsArmed(run.first)) {
    if (Status status = heap.views.PopulateAlias(offset, bytes); !status.ok()) return status;
    memset(heap.views.alias() + offset, 0, dirty);
    heap.collector_hooks->PublishFresh(run.first, run.count);
    return {};
  }
  if (!run.mapped) {
    const bool read_only = RegionOfPage(run.first) < heap.read_only_until.load(std::memory_order_relaxed);
    const Status status = read_only ? heap.views.PopulateMutatorView(offset, bytes) : heap.views.MapMutatorView(offset, bytes);
    if (!status.ok()) return status;
  }
  memset(heap.views.mutator_view() + offset, 0, dirty);
  return {};
}

Allocation TakeRun(Heap& heap, const Mutator& mutator, uint32_t least, uint32_t wanted, RegionKind kind, PageRun* run) {
  *run = heap.regions.TakePages(least, wanted, &mutator, kind);
  if (run->count == 0 && heap.collector_hooks != nullptr && heap.collector_hooks->RecycleSources()) {
    *run = heap.regions.TakePages(least, wanted, &mutator, kind);
  }
  if (run->count == 0) return {AllocationAnswer::kCollect, kNull, {}};
  RecordRun(heap, *run);
  if (Status status = PreparePages(heap, *run); !status.ok()) {
    heap.tables.page_records[run->first].offset_or_end = FirstWordOfPage(run->first);
    return {AllocationAnswer::kNoMemory, kNull, status.error()};
  }
  return {AllocationAnswer::kRefilled, kNull, {}};
}

// Pages of its own for one object.
Allocation TakePagesFor(Heap& heap, const Mutator& mutator, uint64_t words, RegionKind kind) {
  const uint32_t pages = PagesForWords(words);
  PageRun run;
  const Allocation answer = TakeRun(heap, mutator, pages, pages, kind, &run);
  if (answer.answer != AllocationAnswer::kRefilled) return answer;
  const WordIndex object = FirstWordOfPage(run.first);
  heap.tables.page_records[run.first].offset_or_end = object + static_cast<uint32_t>(words);
  return {AllocationAnswer::kObject, object, {}};
}

void RetireTlab(Heap& heap, const Mutator::Tlab& tlab) {
  if (tlab.start == 0) return;
  heap.tables.page_records[PageOf(WordIndex(tlab.start))].offset_or_end = tlab.top;
  tlab.top = tlab.limit = tlab.start = 0;
}

}  // namespace

void RetireTlabs(Heap& heap, Mutator& mutator) {
  for (const RegionKind kind : {RegionKind::kMixed, RegionKind::kLeaf}) RetireTlab(heap, mutator.TlabOf(kind));
}

Allocation AllocateSlow(Heap& heap, Mutator& mutator, uint64_t words, RegionKind kind) {
  if (words > kLargeObjectWords) return {AllocationAnswer::kLarge, kNull, {}};
  const SlowPathTime time(mutator.timeline);
  const uint32_t tlab_words = heap.tlab_pages * kPageWords;
  if (words > tlab_words / kTlabShare && heap.tlab_pages > 1) return TakePagesFor(heap, mutator, words, kind);
  PageRun run;
  const Allocation answer = TakeRun(heap, mutator, PagesForWords(words), heap.tlab_pages, kind, &run);
  if (answer.answer != AllocationAnswer::kRefilled) return answer;
  const Mutator::Tlab tlab = mutator.TlabOf(kind);
  RetireTlab(heap, tlab);
  tlab.start = tlab.top = FirstWordOfPage(run.first);
  tlab.limit = FirstWordOfPage(run.first + run.count);
  return answer;
}

Allocation AllocatePinnable(Heap& heap, Mutator& mutator, uint64_t words) {
  if (words > kLargeObjectWords) return {AllocationAnswer::kLarge, kNull, {}};
  const SlowPathTime time(mutator.timeline);
  return TakePagesFor(heap, mutator, words, RegionKind::kPinnable);
}

void WriteHeader(Heap& heap, WordIndex object, ShapeId shape, uint32_t count) {
  uint64_t* const words = reinterpret_cast<uint64_t*>(heap.views.mutator_view());
  __atomic_store_n(&words[object], uint64_t{count} << 32 | shape, __ATOMIC_RELEASE);  // Partner: a thread that finds a reference to it.
}

MemoryQueue::Need NeedOf(const Heap& heap, uint64_t words, bool stays) {
  return stays || words > kLargeObjectWords ? heap.regions.NeedOfLarge(words) : Regions::NeedOf(PagesForWords(words));
}

Allocation BeginLarge(Heap& heap, Mutator& mutator, uint64_t words, RegionKind kind) {
  const SlowPathTime time(mutator.timeline);
  AbandonLarge(heap, mutator);
  PageRun run = heap.regions.TakeLarge(words, &mutator, kind);
  if (run.count == 0 && heap.collector_hooks != nullptr && heap.collector_hooks->RecycleSources()) {
    run = heap.regions.TakeLarge(words, &mutator, kind);
  }
  if (run.count == 0) return {AllocationAnswer::kCollect, kNull, {}};
  const WordIndex object = FirstWordOfPage(run.first);
  if (Status status = heap.views.PopulateAlias(size_t{run.first} * kPageBytes, kPageBytes); !status.ok()) {
    heap.regions.AbandonLarge(RegionOf(object));
    return {AllocationAnswer::kNoMemory, kNull, status.error()};
  }
  // While the object is pending, the header of an earlier object must not be taken for its own.
  heap.words()[object] = 0;
  if (heap.collector_hooks != nullptr) heap.collector_hooks->NoteAliasWrite(run.first, 1);
  mutator.pending_large = object;
  return {AllocationAnswer::kObject, object, {}};
}

Result<uint64_t> ZeroLargePiece(Heap& heap, Mutator& mutator, uint64_t words, uint64_t done_words) {
  const SlowPathTime time(mutator.timeline);
  const uint64_t piece = std::min<uint64_t>(words - done_words, kLargePieceBytes / kWordBytes);
  const size_t offset = (mutator.pending_large + done_words) * kWordBytes;
  const size_t bytes = (piece * kWordBytes + kPageBytes - 1) & ~(kPageBytes - 1);
  if (Status status = heap.views.PopulateAlias(offset, bytes); !status.ok()) return status.error();
  memset(heap.views.alias() + offset, 0, bytes);
  if (heap.collector_hooks != nullptr) {
    heap.collector_hooks->NoteAliasWrite(PageIndex(offset / kPageBytes), static_cast<uint32_t>(bytes / kPageBytes));
  }
  return done_words + piece;
}

void CommitLarge(Heap& heap, Mutator& mutator, uint64_t words) {
  const WordIndex object = mutator.pending_large;
  if (heap.collector_hooks != nullptr && heap.collector_hooks->Armed()) {
    heap.collector_hooks->AnnounceFresh(PageOf(object), PagesForWords(words));
  }
  heap.regions.CommitLarge(RegionOf(object));
  mutator.pending_large = kNull;
}

void AbandonLarge(Heap& heap, Mutator& mutator) {
  // Not freed at once: a compaction that began meanwhile has these pages on its list and may be building one of them.  The memory has no
  // header and nothing refers to it, so the next marking finds it dead.
  if (mutator.pending_large != 0) heap.regions.CommitLarge(RegionOf(mutator.pending_large));
  mutator.pending_large = kNull;
}

}  // namespace faultline
