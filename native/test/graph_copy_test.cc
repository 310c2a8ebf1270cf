// Graph copies: for random graphs, the copy has exactly the objects that are reachable and their references, and one can be followed
// beside the other.
#include <unordered_map>

#include "gc/checking/graph_copy.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

struct Copied {
  explicit Copied(const GraphCopy& copy)
      : nodes(reinterpret_cast<const GraphCopy::Node*>(copy.PartOf(GraphCopy::Part::kNodes).data)),
        edges(reinterpret_cast<const GraphCopy::Edge*>(copy.PartOf(GraphCopy::Part::kEdges).data)),
        roots(reinterpret_cast<const GraphCopy::Root*>(copy.PartOf(GraphCopy::Part::kRoots).data)) {
    uint64_t first = 0;
    for (uint64_t i = 0; i < copy.nodes(); ++i) {
      first_edge.push_back(first);
      first += nodes[i].edges;
    }
    EXPECT(first == copy.edges());
  }
  const GraphCopy::Node* nodes;
  const GraphCopy::Edge* edges;
  const GraphCopy::Root* roots;
  std::vector<uint64_t> first_edge;
};

void Follow(TestMutator* mutator, const GraphCopy& copy, uint32_t fields, uint32_t first_element) {
  const Copied copied(copy);
  std::unordered_map<WordIndex, uint32_t> numbers;
  std::vector<WordIndex> stack;
  const auto meet = [&](WordIndex object, uint32_t number) {
    EXPECT(number < copy.nodes());
    const auto [known, is_new] = numbers.emplace(object, number);
    EXPECT(known->second == number);
    if (is_new) stack.push_back(object);
  };
  for (uint64_t i = 0; i < copy.roots(); ++i) {
    EXPECT(copied.roots[i].group == GraphCopy::RootGroup::kHandles);
    meet(mutator->handle(copied.roots[i].index), copied.roots[i].target);
  }
  uint64_t references = 0;
  while (!stack.empty()) {
    const WordIndex object = stack.back();
    stack.pop_back();
    const uint32_t number = numbers[object];
    const uint32_t* const slots = mutator->slots(object);
    EXPECT(copied.nodes[number].shape == slots[0] && copied.nodes[number].elements == slots[1]);
    uint64_t edge = copied.first_edge[number];
    const auto check = [&](uint32_t slot) {
      if (slots[slot] == 0) return;
      EXPECT(copied.edges[edge].slot == slot);
      meet(slots[slot], copied.edges[edge++].target);
      ++references;
    };
    for (uint32_t i = 0; i < fields; ++i) check(kHeaderSlots + i);
    for (uint32_t i = 0; i < slots[1]; ++i) check(first_element + i);
    EXPECT(edge == copied.first_edge[number] + copied.nodes[number].edges);
  }
  EXPECT(numbers.size() == copy.nodes() && references == copy.edges());
}

void RandomGraph(uint64_t seed) {
  Random random(seed);
  TestHeap test({.capacity_regions = 16});
  const ShapeId shape = test.DefineShape(2, 1, ElementKind::kReference, 2);
  const uint32_t first_element = test.heap.shapes[shape].fixed_words * 2;
  constexpr uint32_t kHandles = 500;
  TestMutator mutator(&test, kHandles + 1);
  uint64_t last_first_number = 0;
  for (uint32_t round = 0; round < (ShortForm() ? 4u : 20u); ++round) {
    for (uint32_t i = 0; i < 3000; ++i) {
      const uint32_t count = random.Chance(1) ? random.Below(3000) : random.Below(8);
      const WordIndex object = mutator.Allocate(shape, count);
      EXPECT(object != 0);
      mutator.handle(random.Below(kHandles)) = random.Chance(90) ? object : kNull;
      for (uint32_t k = 0; k < 4 && count > 0; ++k) {
        mutator.Store(&mutator.slots(object)[first_element + random.Below(count)], mutator.handle(random.Below(kHandles)));
      }
      mutator.Store(&mutator.reference(object, random.Below(2)), mutator.handle(random.Below(kHandles)));
      // Paths beyond what handles lead to, without ever growing for good.
      if (random.Chance(30)) mutator.Store(&mutator.reference(object, 0), 0);
    }
    mutator.Park();
    GraphCopy copy;
    Status status;
    uint64_t pause_ns = 0;
    while (!test.collector->CopyGraphPause(1'000'000, {}, &copy, &status, &pause_ns)) {
    }
    EXPECT(status.ok() && pause_ns > 0);
    EXPECT(copy.first_number() >= last_first_number);
    last_first_number = copy.first_number() + copy.nodes();
    uint64_t objects = 0;
    EXPECT(test.collector->VerifyPause(1'000'000'000, &objects) && objects == copy.nodes());
    mutator.Unpark();
    Follow(&mutator, copy, 2, first_element);
    if (round % 4 != 0) continue;
    mutator.Park();
    test.Collect();
    mutator.Unpark();
    for (uint32_t i = 0; i < kHandles; i += 2) mutator.handle(i) = 0;
  }
}

void EmptyHeap() {
  TestHeap test({});
  GraphCopy copy;
  Status status;
  uint64_t pause_ns = 0;
  EXPECT(test.collector->CopyGraphPause(1'000'000'000, {}, &copy, &status, &pause_ns) && status.ok());
  EXPECT(copy.nodes() == 0 && copy.edges() == 0 && copy.roots() == 0 && copy.texts() == 0);
  EXPECT(copy.PartOf(GraphCopy::Part::kTexts).bytes == 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline::test;
  const uint64_t seed = SeedFrom(argc, argv, 42);
  EmptyHeap();
  RandomGraph(seed);
  std::printf("graph copies: ok\n");
  return 0;
}
