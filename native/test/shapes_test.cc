// Shapes: sizes, and a table that many threads define into at once.
#include <string>

#include "heap/shapes.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

void SizesAreRoundedUpToWords() {
  Shape shape;
  shape.fixed_words = 3;
  EXPECT(shape.Words(0) == 3);
  shape.element_kind = ElementKind::kData;
  const uint32_t counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17};
  for (uint8_t log2 = 0; log2 <= 3; ++log2) {
    shape.element_bytes_log2 = log2;
    for (const uint32_t count : counts) EXPECT(shape.Words(count) == 3 + ((uint64_t{count} << log2) + 7) / 8);
  }
  EXPECT(shape.Words(~0u) == 3 + uint64_t{~0u});  // No overflow at the largest count.
}

void ANameHasOneDefinition() {
  ShapeTable table;
  EXPECT(table.Create({1, 2}).ok());
  Shape shape;
  shape.fixed_words = 2;
  shape.reference_fields = 1;
  const ShapeId id = table.Define(u"node", "{}", shape);
  EXPECT(id == 1 && table.IsValid(id) && table[id].has_references == 1);
  EXPECT(table.Define(u"node", "{}", shape) == id);
  EXPECT(table.Define(u"node", "{other}", shape) == 0);
  std::u16string name;
  std::string description;
  EXPECT(table.Find(u"node", &description) == id && description == "{}");
  EXPECT(table.Find(u"leaf", nullptr) == 0);
  EXPECT(table.Describe(id, &name, &description) && name == u"node");
  EXPECT(!table.Describe(ShapeId{0}, &name, &description) && !table.Describe(ShapeId{2}, &name, &description));
  EXPECT(!table.IsValid(ShapeId{0}) && !table.IsValid(ShapeId{2}) && !table.IsValid(ShapeId{~0u}));
}

void NamesAreSequencesOfCodeUnits() {
  ShapeTable table;
  EXPECT(table.Create({1, 2}).ok());
  Shape shape;
  shape.fixed_words = 2;
  std::u16string names[] = {u"a", u"a?", u"a?", std::u16string(u"a\0", 2)};
  names[1][1] = 0xd800;
  names[2][1] = 0xd801;
  std::u16string name;
  std::string description;
  for (ShapeId id{1}; id <= std::size(names); ++id) EXPECT(table.Define(names[id - 1], "", shape) == id);
  for (ShapeId id{1}; id <= std::size(names); ++id) {
    EXPECT(table.Find(names[id - 1], &description) == id && table.Describe(id, &name, &description) && name == names[id - 1]);
  }
}

// The vectors of the Linux kernel's hsiphash (lib/tests/siphash_kunit.c) for machines of 32 bits.
void HashesAreThoseOfHalfSipHash() {
  constexpr HashKey kKey = {0x03020100, 0x07060504};
  constexpr uint32_t kOfBytes[] = {0x5814c896, 0xbc4b0e30, 0x7e059ea6, 0xa0080b65, 0x577999b1};  // Of 0, 2, 4, 6, 8 bytes 0, 1, 2 …
  std::u16string text;
  for (uint32_t units = 0; units < std::size(kOfBytes); ++units) {
    EXPECT(HashOfText(kKey, text) == kOfBytes[units]);
    text.push_back(static_cast<char16_t>((2 * units + 1) << 8 | 2 * units));
  }
  EXPECT(HashOfWord(kKey, 0x03020100) == kOfBytes[2]);
  EXPECT(HashOfText({1, 2}, u"text") != HashOfText({1, 3}, u"text"));
}

void ARootRangeIsFoundByItsNumber() {
  RootRanges ranges;
  uint32_t slots[8] = {};
  uint32_t used = 1;
  std::vector<uint32_t> ids;
  for (uint32_t& slot : slots) ids.push_back(ranges.Add(&slot, &used, 1));
  const auto left = [&] {
    uint32_t bits = 0;
    ranges.ForEach([&](const RootRange& range) { bits |= 1u << (range.slots - slots); });
    return bits;
  };
  EXPECT(left() == 0xff);
  ranges.Remove(ids[3]);  // In the middle: the last one takes its position.
  EXPECT(left() == 0xf7);
  ranges.Remove(ids[7]);
  EXPECT(left() == 0x77);
  ranges.Remove(ids[0]);
  EXPECT(left() == 0x76 && ranges.Add(&slots[0], &used, 1, &used) == ids[0] && left() == 0x77);
  EXPECT(ranges.Remove(ids[0]) == &used && left() == 0x76);
}

void AnIdThatIsSeenHasItsEntry() {
  ShapeTable table;
  EXPECT(table.Create({1, 2}).ok());
  std::atomic<bool> ending{false};
  std::thread reader([&] {
    uint32_t seen = 0;
    while (!ending.load(std::memory_order_relaxed) || seen == 0) {
      for (ShapeId id{1}; table.IsValid(id); ++id) {
        EXPECT(table[id].fixed_words >= 1 && table[id].fixed_words <= 16);
        seen = id;
      }
    }
  });
  std::vector<std::thread> writers;
  for (uint32_t t = 0; t < 2; ++t) {
    writers.emplace_back([&] {
      for (uint32_t i = 0; i < 400; ++i) {
        Shape shape;
        shape.fixed_words = 1 + i % 16;
        EXPECT(table.Define(NumberedName(i), "", shape) != 0);
      }
    });
  }
  for (std::thread& thread : writers) thread.join();
  ending.store(true);
  reader.join();
  EXPECT(table.IsValid(ShapeId{400}) && !table.IsValid(ShapeId{401}));  // Both threads meant the same 400 shapes.
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  SizesAreRoundedUpToWords();
  ANameHasOneDefinition();
  NamesAreSequencesOfCodeUnits();
  HashesAreThoseOfHalfSipHash();
  ARootRangeIsFoundByItsNumber();
  AnIdThatIsSeenHasItsEntry();
  return 0;
}
