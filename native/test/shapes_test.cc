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
  EXPECT(table.Create().ok());
  Shape shape;
  shape.fixed_words = 2;
  shape.reference_fields = 1;
  const ShapeId id = table.Define("node", "{}", shape);
  EXPECT(id == 1 && table.IsValid(id) && table[id].has_references == 1);
  EXPECT(table.Define("node", "{}", shape) == id);
  EXPECT(table.Define("node", "{other}", shape) == 0);
  std::string name;
  std::string description;
  EXPECT(table.Find("node", &description) == id && description == "{}");
  EXPECT(table.Find("leaf", nullptr) == 0);
  EXPECT(table.Describe(id, &name, &description) && name == "node");
  EXPECT(!table.Describe(0, &name, &description) && !table.Describe(2, &name, &description));
  EXPECT(!table.IsValid(0) && !table.IsValid(2) && !table.IsValid(~0u));
}

void AnIdThatIsSeenHasItsEntry() {
  ShapeTable table;
  EXPECT(table.Create().ok());
  std::atomic<bool> ending{false};
  std::thread reader([&] {
    uint32_t seen = 0;
    while (!ending.load(std::memory_order_relaxed) || seen == 0) {
      for (ShapeId id = 1; table.IsValid(id); ++id) {
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
        EXPECT(table.Define("shape " + std::to_string(i), "", shape) != 0);
      }
    });
  }
  for (std::thread& thread : writers) thread.join();
  ending.store(true);
  reader.join();
  EXPECT(table.IsValid(400) && !table.IsValid(401));  // Both threads meant the same 400 shapes.
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  SizesAreRoundedUpToWords();
  ANameHasOneDefinition();
  AnIdThatIsSeenHasItsEntry();
  return 0;
}
