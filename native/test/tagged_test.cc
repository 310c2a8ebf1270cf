// Tagged slots: references in them are followed and forwarded, small integers are left alone, as fields and as elements, on every page of
// an object and with every marker.
#include "os/delays.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint32_t kFields = 3;

struct TaggedShapes {
  explicit TaggedShapes(TestHeap* test) {
    Shape shape;
    shape.fixed_words = 4;  // Header, 1 reference and 3 tagged fields, an identity.
    shape.reference_fields = 1;
    shape.tagged_fields = kFields;
    shape.element_kind = ElementKind::kTagged;
    shape.element_bytes_log2 = 2;
    tagged = test->heap.shapes.Define(u"tagged", "", shape);
    shape.element_kind = ElementKind::kReference;
    references = test->heap.shapes.Define(u"tagged fields, references", "", shape);
    shape.element_kind = ElementKind::kNone;
    fields = test->heap.shapes.Define(u"tagged fields", "", shape);
    EXPECT(tagged != 0 && references != 0 && fields != 0);
  }
  ShapeId tagged;
  ShapeId references;
  ShapeId fields;
};

// A random graph against a model: node i has an identity and `slots` tagged slots, each null, an integer, or a node.
class TaggedProgram {
 public:
  TaggedProgram(TestHeap* test, const TaggedShapes& shapes, uint64_t seed, uint32_t nodes)
      : mutator_(test, nodes + 1), shapes_(shapes), random_(seed), nodes_(nodes) {
    for (uint32_t i = 0; i < nodes; ++i) Replace(i);
  }

  void Steps(uint32_t count) {
    for (uint32_t step = 0; step < count; ++step) {
      const uint32_t i = random_.Below(static_cast<uint32_t>(nodes_.size()));
      if (random_.Chance(15)) {
        Replace(i);
      } else if (random_.Chance(60)) {
        Write(i, random_.Below(static_cast<uint32_t>(nodes_[i].slots.size())));
      } else {
        Check(i);
      }
      mutator_.Poll();
    }
  }
  void CheckAll() {
    for (uint32_t i = 0; i < nodes_.size(); ++i) Check(i);
  }
  TestMutator& mutator() { return mutator_; }

 private:
  // A slot's content: 0 null, below 0 a node (as ~index), above a small integer (as value + 1, tagged when it is stored).
  struct Node {
    ShapeId shape{0};
    uint64_t identity = 0;
    std::vector<int64_t> slots;
  };

  uint32_t* SlotAt(WordIndex object, uint32_t k) {
    if (k < kFields) return &mutator_.reference(object, 1 + k);
    return mutator_.slots(object) + 8 + (k - kFields);
  }

  void Replace(uint32_t i) {
    const uint32_t pick = random_.Below(3);
    const ShapeId shape = pick == 0 ? shapes_.fields : pick == 1 ? shapes_.references : shapes_.tagged;
    const uint32_t count = pick == 0 ? 0 : random_.Chance(5) ? random_.Below(6000) : random_.Below(20);
    const WordIndex object = mutator_.Allocate(shape, count);
    EXPECT(object != 0);
    // Who led to the old node leads to nothing now.
    for (uint32_t user = 0; user < nodes_.size(); ++user) {
      for (uint32_t k = 0; k < nodes_[user].slots.size(); ++k) {
        if (nodes_[user].slots[k] != ~int64_t{i}) continue;
        mutator_.Store(SlotAt(mutator_.handle(user), k), 0);
        nodes_[user].slots[k] = 0;
      }
    }
    mutator_.handle(i) = object;
    nodes_[i] = Node{shape, ++next_identity_, std::vector<int64_t>(kFields + count, 0)};
    mutator_.words(object)[3] = nodes_[i].identity;
    for (uint32_t times = random_.Below(6); times > 0; --times) Write(i, random_.Below(kFields + count));
  }

  void Write(uint32_t i, uint32_t k) {
    Node& node = nodes_[i];
    uint32_t* const slot = SlotAt(mutator_.handle(i), k);
    const bool integer_allowed = k < kFields || node.shape == shapes_.tagged;
    const uint32_t j = random_.Below(static_cast<uint32_t>(nodes_.size()));
    uint32_t value = 0;
    int64_t content = 0;
    if (integer_allowed && random_.Chance(50)) {
      // Integers that would be references of this heap, but for the bit.
      const uint32_t integer = random_.Chance(50) ? mutator_.handle(j) : static_cast<uint32_t>(random_.Next()) & ~kSmallIntegerBit;
      value = integer | kSmallIntegerBit;
      content = int64_t{integer} + 1;
    } else if (mutator_.handle(j) != 0) {
      value = mutator_.handle(j);
      content = ~int64_t{j};
    }
    mutator_.Store(slot, value);
    node.slots[k] = content;
  }

  void Check(uint32_t i) {
    const Node& node = nodes_[i];
    const WordIndex object = mutator_.handle(i);
    EXPECT(mutator_.slots(object)[0] == node.shape && mutator_.words(object)[3] == node.identity);
    for (uint32_t k = 0; k < node.slots.size(); ++k) {
      const uint32_t value = *SlotAt(object, k);
      const int64_t content = node.slots[k];
      if (content == 0) EXPECT(value == 0);
      if (content > 0) EXPECT(value == (static_cast<uint32_t>(content - 1) | kSmallIntegerBit));
      if (content < 0) EXPECT(value == mutator_.handle(static_cast<uint32_t>(~content)));
    }
  }

  TestMutator mutator_;
  TaggedShapes shapes_;
  Random random_;
  std::vector<Node> nodes_;
  uint64_t next_identity_ = 0;
};

void TaggedSlotsKeepWhatTheyHold(MarkerKind marker, FaultModeKind mode, uint64_t seed) {
  TestHeap::Options options;
  options.marker = marker;
  options.mode = mode;
  options.capacity_regions = 24;
  options.reserve_regions = 4;
  options.delay_seed = seed % 2 == 0 ? 0 : seed;
  TestHeap test(options);
  const TaggedShapes shapes(&test);
  test.StartControl();
  std::atomic<bool> ending{false};
  std::thread thread([&] {
    TaggedProgram program(&test, shapes, seed, 300);
    do {
      program.Steps(300);
      program.CheckAll();
    } while (!ending.load());
  });
  test.RequestFor(ShortForm() ? 100 : 400, 5);
  ending.store(true);
  thread.join();
  SetDelaySeed(0);
  EXPECT(Read(test.heap.statistics.compacting_cycles) > 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  using namespace faultline::test;
  uint64_t seed = SeedFrom(argc, argv, 20261205);
  for (const MarkerKind marker : {MarkerKind::kBarrierFree, MarkerKind::kSatb, MarkerKind::kStopped}) {
    if (!MarkerWorks(marker)) continue;
    for (const FaultModeKind mode : RawLoadModes()) {
      TaggedSlotsKeepWhatTheyHold(marker, mode, seed++);
    }
  }
}
