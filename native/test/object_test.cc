// The object model: headers, the walk over slots, and the counting of live words.
#include <vector>

#include "heap/bitmap.h"
#include "heap/object.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

void AHeaderIsShapeAndCount() {
  const uint64_t words[] = {0, uint64_t{77} << 32 | 5, ~uint64_t{0}};
  EXPECT(HeaderAt(words, 0).shape == 0 && HeaderAt(words, 0).count == 0);
  EXPECT(HeaderAt(words, 1).shape == 5 && HeaderAt(words, 1).count == 77);
  EXPECT(HeaderAt(words, 2).shape == ~0u && HeaderAt(words, 2).count == ~0u);
  EXPECT(SlotsAt(words, 1)[0] == 5 && SlotsAt(words, 1)[1] == 77);
}

// What each u32 slot of an object is, written down slot by slot.
std::vector<ElementKind> KindsOfSlots(const Shape& shape, uint32_t count) {
  std::vector<ElementKind> kinds(shape.Words(shape.element_kind == ElementKind::kNone ? 0 : count) * 2, ElementKind::kNone);
  uint32_t slot = 2;
  for (uint32_t i = 0; i < shape.reference_fields; ++i) kinds[slot++] = ElementKind::kReference;
  for (uint32_t i = 0; i < shape.tagged_fields; ++i) kinds[slot++] = ElementKind::kTagged;
  if (shape.element_kind == ElementKind::kNone || shape.element_kind == ElementKind::kData) return kinds;
  const uint32_t slots = shape.element_kind == ElementKind::kEphemeron ? count * 2 : count;
  for (uint32_t i = 0; i < slots; ++i) kinds[shape.fixed_words * 2 + i] = shape.element_kind;
  return kinds;
}

Shape RegisteredShape(ShapeTable& table, uint32_t number, uint32_t references, uint32_t tagged, ElementKind kind) {
  Shape shape;
  shape.fixed_words = kHeaderWords + (references + tagged + 1) / 2 + 1;  // And a word of data.
  shape.reference_fields = references;
  shape.tagged_fields = static_cast<uint16_t>(tagged);
  shape.element_kind = kind;
  shape.element_bytes_log2 = kind == ElementKind::kEphemeron ? 3 : kind == ElementKind::kData ? 0 : 2;
  return table[table.Define(NumberedName(number), "", shape)];
}

void TheWalkVisitsEverySlotThatHoldsAReferenceOnceAsWhatItIs() {
  ShapeTable table;
  EXPECT(table.Create({1, 2}).ok());
  uint32_t number = 0;
  for (const ElementKind kind : {ElementKind::kNone, ElementKind::kData, ElementKind::kReference, ElementKind::kTagged, ElementKind::kWeak,
                                 ElementKind::kEphemeron, ElementKind::kFinalizable}) {
    for (const uint32_t references : {0u, 1u, 2u, 5u}) {
      for (const uint32_t tagged : {0u, 1u, 4u}) {
        const Shape shape = RegisteredShape(table, number++, references, tagged, kind);
        for (const uint32_t count : {0u, 1u, 2u, 31u, 33u}) {
          std::vector<ElementKind> expected = KindsOfSlots(shape, count);
          // Without elements the count's place holds an identity hash.
          const uint32_t in_header = kind == ElementKind::kNone ? 0xfffffffeu : count;
          std::vector<ElementKind> all(expected.size(), ElementKind::kNone);
          ForEachSlotRun(shape, in_header, [&](ElementKind run_kind, uint64_t first, uint64_t last) {
            for (uint64_t slot = first; slot < last; ++slot) {
              EXPECT(slot < all.size() && all[slot] == ElementKind::kNone);
              all[slot] = run_kind;
            }
          });
          EXPECT(all == expected);
          bool has_special = false;
          uint64_t references_seen = 0;
          ForEachSlotRun(
              shape, in_header, [&](uint64_t first, uint64_t last) { references_seen += last - first; }, [&] { has_special = true; });
          const bool is_special = tagged > 0 || kind >= ElementKind::kTagged;
          EXPECT(has_special == is_special);
          EXPECT(references_seen == references + (!is_special && kind == ElementKind::kReference ? count : 0));
        }
      }
    }
  }
}

void LiveWordsAreCountedFromTheStartOfTheRegion() {
  Bitmap bits;
  constexpr RegionIndex kRegion{1};
  EXPECT(bits.Create(2 * kRegionWords).ok());
  std::vector<uint32_t> before(2 * kRegionWords / kBlockWords);
  std::vector<WordIndex> set;
  const WordIndex first = FirstWordOfRegion(kRegion);
  for (const uint32_t at : {0u, 1u, 31u, 62u, 63u, 64u, 127u, 128u, 4000u, kRegionWords - 65, kRegionWords - 64, kRegionWords - 1}) {
    bits.TestAndSet(first + at);
    set.push_back(first + at);
  }
  constexpr uint32_t kFrom = 1000;
  EXPECT(bits.CountBlocks(kRegion, kFrom, before.data()) == kFrom + set.size());
  for (uint32_t i = 0; i < set.size(); ++i) {
    EXPECT(CountBefore(bits.data(), before.data(), set[i]) == kFrom + i);
    if (set[i] + 1 < first + kRegionWords) EXPECT(CountBefore(bits.data(), before.data(), set[i] + 1) == kFrom + i + 1);
  }
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  AHeaderIsShapeAndCount();
  TheWalkVisitsEverySlotThatHoldsAReferenceOnceAsWhatItIs();
  LiveWordsAreCountedFromTheStartOfTheRegion();
  return 0;
}
