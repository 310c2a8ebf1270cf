#include "gc/compaction/plan.h"

#include <algorithm>

#include "os/invariant.h"

namespace faultline {

namespace {

constexpr uint32_t kBlocksPerRegion = kRegionWords / kBlockWords;

// The size of an object in a source, which is never large.
uint32_t ObjectWords(Heap& heap, WordIndex object) { return static_cast<uint32_t>(heap.WordsOf(object)); }

WordIndex UsableStart(RegionIndex region) { return region == 0 ? FirstWordOfPage(PageIndex{1}) : FirstWordOfRegion(region); }
WordIndex EndOf(RegionIndex region) { return FirstWordOfRegion(region) + kRegionWords; }

// Hands out the sources one by one.
class SourceJob : public Job {
 public:
  explicit SourceJob(const std::vector<RegionIndex>& sources) : sources_(sources) {}
  bool Run(uint32_t, uint64_t) override {
    for (;;) {
      // Relaxed: divides the work only.
      const size_t index = cursor_.fetch_add(1, std::memory_order_relaxed);
      if (index >= sources_.size()) return true;
      Process(sources_[index]);
    }
  }
  bool Exhausted() const override { return cursor_.load(std::memory_order_relaxed) >= sources_.size(); }

 protected:
  virtual void Process(RegionIndex source) = 0;

 private:
  const std::vector<RegionIndex>& sources_;
  std::atomic<size_t> cursor_{0};
};

}  // namespace

class Plan::AccountJob final : public SourceJob {
 public:
  explicit AccountJob(Plan* plan) : SourceJob(plan->sources_), plan_(plan) {}
  void Process(RegionIndex source) override { plan_->AccountSource(source); }

 private:
  Plan* plan_;
};

class Plan::RecordJob final : public SourceJob {
 public:
  explicit RecordJob(Plan* plan) : SourceJob(plan->sources_), plan_(plan) {}
  void Process(RegionIndex source) override { plan_->RecordSource(source); }

 private:
  Plan* plan_;
};

void Plan::AccountSource(RegionIndex source) {
  SideTables& tables = heap_->tables;
  tables.live_bits.ClearRegion(source);
  const WordIndex end = EndOf(source);
  for (WordIndex object = tables.object_starts.FindNext(FirstWordOfRegion(source), end); object < end;) {
    const uint32_t words = ObjectWords(*heap_, object);
    tables.live_bits.SetRange(object, words);
    object = tables.object_starts.FindNext(object + words, end);
  }
  const uint32_t live = tables.live_bits.CountBlocks(source, 0, tables.block_offsets.data());
  FAULTLINE_CHECK(live == tables.live_word_counts[source], "(M) the live words counted while marking are the live words of the plan", live,
                  tables.live_word_counts[source]);
}

WordIndex Plan::FindSplit(RegionIndex source, uint32_t room_words) const {
  // The first object that does not fit whole into `room_words`.  That depends on the live words before it, so search the blocks first, then
  // walk the objects around one block.
  const SideTables& tables = heap_->tables;
  const uint32_t first_block = FirstWordOfRegion(source) / kBlockWords;
  const uint32_t* const begin = &tables.block_offsets[first_block];
  const uint32_t* const after = std::upper_bound(begin, begin + kBlocksPerRegion, room_words);
  const uint32_t block = first_block + static_cast<uint32_t>(after - begin) - 1;
  const WordIndex end = EndOf(source);
  // Start from an object at or before the block's start: the one that does not fit may begin earlier.
  WordIndex object(block * kBlockWords);
  if (!tables.object_starts.Test(object)) {
    const WordIndex previous = tables.object_starts.FindPrevious(FirstWordOfRegion(source), object);
    object = previous != object ? previous : tables.object_starts.FindNext(object, end);
  }
  for (; object < end; object = tables.object_starts.FindNext(object + 1, end)) {
    if (tables.LiveWordsBefore(object) + ObjectWords(*heap_, object) > room_words) return object;
  }
  return end;
}

size_t Plan::Assign() {
  SideTables& tables = heap_->tables;
  size_t target_index = 0;
  first_leaf_target_ = targets_.size();
  if (targets_.empty()) return 0;
  WordIndex at = UsableStart(targets_[0]);
  for (const RegionIndex target : targets_) tables.target_end[target] = UsableStart(target);
  for (size_t i = 0; i < sources_.size(); ++i) {
    const RegionIndex source = sources_[i];
    if (i == first_leaf_source_) {
      const bool begun = at != UsableStart(targets_[target_index]);
      if (begun && target_index + 1 < targets_.size()) {
        ++target_index;
        // Those that the others did not need come last.
        if (target_index < first_for_leaves_ && first_for_leaves_ < targets_.size()) {
          std::rotate(targets_.begin() + target_index, targets_.begin() + first_for_leaves_, targets_.end());
          first_for_leaves_ = target_index;
        }
        at = UsableStart(targets_[target_index]);
      }
      if (at == UsableStart(targets_[target_index])) first_leaf_target_ = target_index;
    }
    const uint32_t live = tables.live_word_counts[source];
    const uint32_t room = EndOf(targets_[target_index]) - at;
    const uint32_t first_block = FirstWordOfRegion(source) / kBlockWords;
    RegionForward forward;
    const WordIndex base = at;
    if (live <= room) {
      at += live;
    } else {
      if (target_index + 1 == targets_.size()) return i;
      forward.split = FindSplit(source, room);
      const uint32_t first_part = tables.LiveWordsBefore(forward.split);
      tables.target_end[targets_[target_index]] = base + first_part;
      ++target_index;
      // Any source fits here whole: only the first target can be region 0, whose first page is not used.
      const WordIndex next = UsableStart(targets_[target_index]);
      forward.pad = next - (base + first_part);
      at = next + (live - first_part);
      FAULTLINE_CHECK(at <= EndOf(targets_[target_index]), "(P) the rest of a source fits one target", source, at);
    }
    tables.target_end[targets_[target_index]] = at;
    tables.forward[source] = forward;
    for (uint32_t block = first_block; block < first_block + kBlocksPerRegion; ++block) {
      tables.block_offsets[block] += base;
    }
  }
  return sources_.size();
}

void Plan::RecordSource(RegionIndex source) {
  SideTables& tables = heap_->tables;
  const RegionForward forward = tables.forward[source];
  const WordIndex end = EndOf(source);
  uint32_t pages_read = 0;
  PageIndex last_page{~0u};
  for (WordIndex object = tables.object_starts.FindNext(FirstWordOfRegion(source), end); object < end;) {
    const uint32_t words = ObjectWords(*heap_, object);
    WordIndex to(tables.LiveWordsBefore(object));
    if (object >= forward.split) to += forward.pad;
    for (PageIndex page = PageOf(to); page <= PageOf(to + words - 1); ++page) {
      if (page != last_page) {
        last_page = page;
        ++pages_read;
      }
      const WordIndex page_start = FirstWordOfPage(page);
      if (to <= page_start) tables.page_records[page] = {object, page_start - to};
    }
    object = tables.object_starts.FindNext(object + words, end);
  }
  tables.unread_pages[source] = pages_read;
}

size_t Plan::CommitTargets() {
  size_t committed = 0;
  for (const RegionIndex target : targets_) {
    const size_t bytes = size_t{UsedPagesOfTarget(target)} * kPageBytes;
    const size_t offset = size_t{target} * kRegionBytes;
    heap_->regions.NoteProvided(target, UsedPagesOfTarget(target));
    const bool holes = targets_are_ == Targets::kHoles;
    if (bytes > 0 && !(holes ? heap_->file.PunchHole(offset, bytes) : heap_->views.PopulateAlias(offset, bytes)).ok()) break;
    ++committed;
  }
  return committed;
}

uint32_t Plan::UsedPagesOfTarget(RegionIndex target) const {
  const WordIndex end = heap_->tables.target_end[target];
  return end <= UsableStart(target) ? 0 : PagesForWords(end - FirstWordOfRegion(target));
}

bool Plan::Reserve(const std::vector<RegionIndex>& sources, uint32_t wanted) {
  Regions& regions = heap_->regions;
  uint32_t for_leaves = 0;
  if (regions.has_two_ends()) {
    uint64_t words = 0;
    uint64_t leaf_words = 0;
    for (const RegionIndex source : sources) {
      const uint32_t live = heap_->tables.live_word_counts[source];
      words += live;
      if (IsLeaf(regions.use(source).kind)) leaf_words += live;
    }
    // What leaves lose at the ends of their targets is made up for by those of the others.
    const uint32_t needed = static_cast<uint32_t>((leaf_words + kRegionWords - 1) / kRegionWords);
    for_leaves = leaf_words == words ? wanted : std::min(needed, wanted - 1);
  }
  regions.ReserveTargets(wanted - for_leaves, &targets_);
  std::sort(targets_.begin(), targets_.end());
  first_for_leaves_ = targets_.size();
  if (for_leaves > 0) regions.ReserveTargets(wanted, &targets_, RegionKind::kLeaf, sources);
  std::sort(targets_.begin() + first_for_leaves_, targets_.end());
  return !targets_.empty();
}

uint32_t Plan::Make(Gang& gang, const std::vector<RegionIndex>& sources, uint32_t wanted_targets, const std::vector<RegionIndex>& later) {
  SideTables& tables = heap_->tables;
  targets_.clear();
  sources_.clear();
  tables.marks_targets = false;
  if (!Reserve(sources, wanted_targets)) return 0;
  for (const RegionIndex target : targets_) {
    FAULTLINE_CHECK(tables.marked_pages[target] == 0 && tables.live_word_counts[target] == 0, "(B) a free region has no marks", target);
  }
  for (const RegionIndex source : sources) {
    FAULTLINE_CHECK(heap_->regions.use(source).used_pages == tables.marked_pages[source],
                    "(G) in a source is nothing that is younger than the marking", source);
    // A system without memory for what is to be known of a source leaves it where it is.
    if (tables.live_word_counts[source] != 0 && tables.ProvideForSource(source).ok()) sources_.push_back(source);
  }
  // No source's kind changes: mutators mix a leaf region only to fill it, and get no pages of these.
  const auto is_mixed = [this](RegionIndex source) { return heap_->regions.use(source).kind == RegionKind::kMixed; };
  first_leaf_source_ = static_cast<size_t>(std::stable_partition(sources_.begin(), sources_.end(), is_mixed) - sources_.begin());
  AccountJob account(this);
  gang.RunToEnd(&account);

  sources_.resize(Assign());
  // A system without memory for all targets gets a smaller plan.
  if (const size_t committed = CommitTargets(); committed < targets_.size()) {
    for (size_t i = committed; i < targets_.size(); ++i) heap_->regions.ReleaseTarget(targets_[i]);
    targets_.resize(committed);
    AccountJob again(this);  // The offsets were made absolute; start over with what is left.
    gang.RunToEnd(&again);
    sources_.resize(Assign());
  }
  // Targets that stayed empty go back.
  const auto is_empty = [this](RegionIndex target) { return UsedPagesOfTarget(target) == 0; };
  for (const RegionIndex target : targets_) {
    if (is_empty(target)) heap_->regions.ReleaseTarget(target);
  }
  first_leaf_target_ -= static_cast<size_t>(std::count_if(targets_.begin(), targets_.begin() + first_leaf_target_, is_empty));
  std::erase_if(targets_, is_empty);
  if (sources_.empty()) {
    for (const RegionIndex target : targets_) heap_->regions.ReleaseTarget(target);
    targets_.clear();
    return 0;
  }
  RecordJob record(this);
  gang.RunToEnd(&record);
  heap_->regions.CommitPlan(sources_, targets_, first_leaf_target_);

  live_words_ = 0;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const RegionIndex source = sources_[i];
    live_words_ += tables.live_word_counts[source];
    tables.next_source[source] = i + 1 < sources_.size() ? sources_[i + 1] : SideTables::kEndOfSources;
    tables.moving[source] = 1;
  }
  for (const RegionIndex target : targets_) FAULTLINE_CHECK(tables.moving[target] == 0, "(T) a target is no source", target);
  tables.marks_targets = std::any_of(later.begin(), later.end(), [&tables](RegionIndex region) { return tables.moving[region] == 0; });
  if (tables.marks_targets) {
    // Builders set these bits, some of them in a signal handler: they get their memory here.
    for (const RegionIndex target : targets_) tables.object_starts.ClearRegion(target);
  }
  return static_cast<uint32_t>(sources_.size());
}

void Plan::Cancel() {
  for (const RegionIndex source : sources_) heap_->tables.moving[source] = 0;
  heap_->regions.CancelPlan(sources_, targets_);
  sources_.clear();
  targets_.clear();
}

void Plan::Seal() {
  for (const RegionIndex source : sources_) heap_->tables.moving[source] = 0;
  for (const RegionIndex target : targets_) {
    const uint32_t pages = UsedPagesOfTarget(target);
    if (heap_->tables.marks_targets) heap_->tables.NoteCopied(target, pages, heap_->tables.target_end[target] - UsableStart(target));
    heap_->regions.FinishTarget(target, pages);
  }
  sources_.clear();
  targets_.clear();
}

}  // namespace faultline
