#include "synthetic_heap.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace faultline::test {

namespace {

ShapeId Define(Heap& heap, const char* name, uint32_t references, uint32_t data_words, ElementKind kind, uint8_t element_bytes_log2) {
  Shape shape;
  shape.reference_fields = references;
  shape.fixed_words = kHeaderWords + (references + 1) / 2 + data_words;
  shape.element_kind = kind;
  shape.element_bytes_log2 = element_bytes_log2;
  const ShapeId id = heap.shapes.Define(std::u16string(name, name + strlen(name)), "", shape);
  EXPECT(id != 0);
  return id;
}

uint32_t* NewControl(MappedArray<uint32_t>& memory) {
  EXPECT(memory.Create(4096).ok());
  return memory.data();
}

template <typename Visit>
void ForEachSlot(const Heap& heap, const uint64_t* image, WordIndex object, Visit visit) {
  const ShapeId id = ShapeId(image[object]);
  const uint32_t count = static_cast<uint32_t>(image[object] >> 32);
  const Shape& shape = heap.shapes[id];
  const uint64_t base = uint64_t{object} * 2;
  for (uint32_t i = 0; i < shape.reference_fields; ++i) visit(base + kHeaderSlots + i);
  if (shape.element_kind != ElementKind::kReference) return;
  for (uint64_t i = 0; i < count; ++i) visit(base + uint64_t{shape.fixed_words} * 2 + i);
}

}  // namespace

SyntheticHeap::SyntheticHeap(uint32_t regions, uint32_t tlab_pages) : mutator(&heap, NewControl(control_), 0, 0) {
  Heap::Options options;
  options.capacity_regions = regions;
  options.reserve_regions = 0;
  options.tlab_pages = tlab_pages;
  EXPECT(heap.Create(options).ok());
  data = Define(heap, "data", 0, 0, ElementKind::kData, 3);
  mixed = Define(heap, "mixed", 3, 1, ElementKind::kData, 3);
  array = Define(heap, "array", 1, 0, ElementKind::kReference, 2);
}

void SyntheticHeap::TakeRegion(RegionIndex region, RegionKind kind) {
  const PageRun run = heap.regions.TakePages(1, kRegionPages, nullptr, kind);
  EXPECT(RegionOfPage(run.first) == region && run.count == kRegionPages - (region == 0 ? 1 : 0));
  EXPECT(heap.regions.use(region).kind == kind);
}

void SyntheticHeap::Place(WordIndex at, ShapeId shape, uint32_t count, bool live) {
  const uint32_t words = static_cast<uint32_t>(heap.shapes[shape].Words(count));
  EXPECT(RegionOf(at) == RegionOf(at + words - 1) && at >= kPageWords);
  uint64_t* const object = heap.words() + at;
  object[0] = (uint64_t{count} << 32) | shape;
  for (uint32_t i = 1; i < words; ++i) object[i] = (uint64_t{at} << 32) | i;
  objects[at] = {at, words, live, false};
}

void SyntheticHeap::FillOrdinary(WordIndex at, WordIndex end, uint32_t live_percent, Random& random) {
  const uint32_t sizes[] = {1, 2, 3, 5, 31, 32, 33, 63, 64, 65, kPageWords - 1, kPageWords, kPageWords + 1};
  while (at < end) {
    const uint32_t kind = IsLeaf(RegionOf(at)) ? 0 : random.Below(3);
    const ShapeId shape = kind == 0 ? data : kind == 1 ? mixed : array;
    uint32_t words = sizes[random.Below(sizeof sizes / sizeof sizes[0])];
    if (random.Chance(2)) words = 1 + random.Below(4 * kPageWords);
    words = std::min(words, end - at);
    const uint32_t fixed = heap.shapes[shape].fixed_words;
    if (words < fixed) {
      Place(at, data, words - 1, random.Chance(live_percent));
    } else {
      uint32_t count = words - fixed;
      if (shape == array && count > 0) count = count * 2 - random.Below(2);
      Place(at, shape, count, random.Chance(live_percent));
    }
    at += words;
  }
}

void SyntheticHeap::FillRegion(RegionIndex region, uint32_t live_percent, Random& random) {
  const WordIndex begin = region == 0 ? FirstWordOfPage(1_page) : FirstWordOfRegion(region);
  const WordIndex end = FirstWordOfRegion(region) + kRegionWords;
  switch (random.Below(8)) {
    case 0: {  // One object and nothing else, somewhere.
      const uint32_t words = random.Chance(50) ? kLargeObjectWords : 1 + random.Below(kLargeObjectWords);
      const WordIndex at = begin + random.Below(end - begin - words + 1);
      Place(at, data, words - 1, live_percent > 0);
      return;
    }
    case 1:  // Two of the largest objects that are still copied.
      if (IsLeaf(region)) {
        Place(begin, data, kLargeObjectWords - kPageWords - 1, random.Chance(live_percent));
      } else {
        Place(begin, array, (kLargeObjectWords - kPageWords - 2) * 2, random.Chance(live_percent));
      }
      Place(end - kLargeObjectWords, data, kLargeObjectWords - 1, random.Chance(live_percent));
      return;
    default:
      FillOrdinary(begin, end, live_percent, random);
  }
}

WordIndex SyntheticHeap::PlaceLarge(uint64_t words, bool live) {
  const Allocation answer = BeginLarge(heap, mutator, words, heap.KindOf(array));
  EXPECT(answer.answer == AllocationAnswer::kObject);
  for (uint64_t done = 0; done < words;) {
    Result<uint64_t> piece = ZeroLargePiece(heap, mutator, words, done);
    EXPECT(piece.ok());
    done = piece.value();
  }
  CommitLarge(heap, mutator, words);
  const uint64_t count = (words - heap.shapes[array].fixed_words) * 2;
  heap.words()[answer.object] = (count << 32) | array;
  objects[answer.object] = {answer.object, static_cast<uint32_t>(words), live, false};
  return answer.object;
}

void SyntheticHeap::EndMarking() {
  SideTables& tables = heap.tables;
  RetireTlabs(heap, mutator);
  heap.regions.CloseForMarking(tables.marked_pages.data());
  for (const auto& [at, object] : objects) {
    if (!object.live) continue;
    tables.object_starts.TestAndSet(at);
    tables.live_word_counts[RegionOf(at)] += std::min(object.words, kRegionWords);
  }
  heap.regions.SweepDead(tables.live_word_counts.data(), tables.marked_pages.data(),
                         [&](WordIndex at) { return tables.object_starts.Test(at); });
  std::erase_if(objects, [&](const auto& entry) { return heap.regions.use(RegionOf(entry.first)).state == RegionState::kFree; });
}

WordIndex SyntheticHeap::PlaceYoung(ShapeId shape, uint32_t count) {
  const uint32_t words = static_cast<uint32_t>(heap.shapes[shape].Words(count));
  const RegionKind kind = heap.KindOf(shape);
  const Mutator::Tlab tlab = mutator.TlabOf(kind);
  WordIndex at{0};
  while (at == 0) {
    if (tlab.top + words <= tlab.limit) {
      at = tlab.top;
      tlab.top += words;
      break;
    }
    const Allocation answer = AllocateSlow(heap, mutator, words, kind);
    if (answer.answer == AllocationAnswer::kCollect) return 0;
    EXPECT(answer.answer == AllocationAnswer::kRefilled || answer.answer == AllocationAnswer::kObject);
    at = answer.object;
  }
  for (uint32_t i = 0; i < words; ++i) EXPECT(heap.words()[at + i] == 0);
  heap.words()[at] = (uint64_t{count} << 32) | shape;
  objects[at] = {at, words, true, true};
  return at;
}

void SyntheticHeap::LinkAll(Random& random) {
  std::vector<WordIndex> live;
  for (const auto& [at, object] : objects) {
    if (object.live) live.push_back(at);
  }
  for (const auto& [at, object] : objects) {
    ForEachSlot(heap, heap.words(), at, [&](uint64_t slot) {
      heap.slots()[slot] = live.empty() || random.Chance(20) ? kNull : live[random.Below(static_cast<uint32_t>(live.size()))];
    });
  }
}

size_t SyntheticHeap::Model(const std::vector<RegionIndex>& sources, const std::vector<RegionIndex>& targets,
                            std::map<WordIndex, WordIndex>* moved) const {
  const auto start_of = [](RegionIndex region) { return region == 0 ? FirstWordOfPage(1_page) : FirstWordOfRegion(region); };
  size_t target = 0;
  if (targets.empty()) return 0;
  WordIndex at = start_of(targets[0]);
  for (size_t i = 0; i < sources.size(); ++i) {
    // The first leaf region begins a target of its own, if there is another.
    const bool first_leaf = IsLeaf(sources[i]) && (i == 0 || !IsLeaf(sources[i - 1]));
    if (first_leaf && at != start_of(targets[target]) && target + 1 < targets.size()) at = start_of(targets[++target]);
    std::map<WordIndex, WordIndex> mine;
    for (auto it = objects.lower_bound(FirstWordOfRegion(sources[i])); it != objects.end() && RegionOf(it->first) == sources[i]; ++it) {
      if (!it->second.live) continue;
      if (at + it->second.words > FirstWordOfRegion(targets[target]) + kRegionWords) {
        if (++target == targets.size()) return i;
        at = start_of(targets[target]);
      }
      mine[it->first] = at;
      at += it->second.words;
    }
    moved->merge(mine);
  }
  return sources.size();
}

std::vector<uint64_t> SyntheticHeap::ModelImage(const std::vector<uint64_t>& before, const std::map<WordIndex, WordIndex>& moved) const {
  std::vector<uint64_t> after = before;
  uint32_t* const slots = reinterpret_cast<uint32_t*>(after.data());
  const uint32_t* const old = reinterpret_cast<const uint32_t*>(before.data());
  const auto forward = [&](WordIndex reference) {
    const auto it = moved.find(reference);
    return it == moved.end() ? reference : it->second;
  };
  // A target page is zero behind its last word.
  for (const auto& [from, to] : moved) {
    const uint32_t words = objects.at(from).words;
    for (PageIndex page = PageOf(to); page <= PageOf(to + words - 1); ++page) {
      std::fill_n(after.begin() + FirstWordOfPage(page), kPageWords, 0);
    }
  }
  for (const auto& [at, object] : objects) {
    // Dead old objects stay as they are, where they are.
    if (!object.live) continue;
    const auto it = moved.find(at);
    const WordIndex to = it == moved.end() ? at : it->second;
    if (to != at) std::copy_n(before.begin() + at, object.words, after.begin() + to);
    ForEachSlot(heap, before.data(), at, [&](uint64_t slot) { slots[slot + (uint64_t{to} - uint64_t{at}) * 2] = forward(old[slot]); });
  }
  return after;
}

std::vector<uint64_t> SyntheticHeap::Image() { return std::vector<uint64_t>(heap.words(), heap.words() + heap.bytes() / kWordBytes); }

void SyntheticHeap::Restore(const std::vector<uint64_t>& image) { std::copy(image.begin(), image.end(), heap.words()); }

std::vector<RegionIndex> SyntheticHeap::FreeRegions(uint32_t wanted) const {
  std::vector<RegionIndex> free;
  for (const bool committed : {true, false}) {
    for (RegionIndex region{0}; region < heap.regions.count() && free.size() < wanted; ++region) {
      if (heap.regions.use(region).state == RegionState::kFree && heap.regions.committed().Has(region) == committed) free.push_back(region);
    }
  }
  std::sort(free.begin(), free.end());
  return free;
}

std::vector<RegionIndex> SyntheticHeap::InEvacuationOrder(std::vector<RegionIndex> sources) const {
  std::stable_partition(sources.begin(), sources.end(), [this](RegionIndex source) { return !IsLeaf(source); });
  return sources;
}

std::vector<RegionIndex> SyntheticHeap::LiveRegions() const {
  std::vector<RegionIndex> live;
  for (RegionIndex region{0}; region < heap.regions.count(); ++region) {
    if (heap.regions.use(region).state == RegionState::kLive && heap.tables.marked_pages[region] > 0) live.push_back(region);
  }
  return live;
}

}  // namespace faultline::test
