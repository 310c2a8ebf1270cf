// Random programs on native mutators against a shadow model, in every fault mode, while the control thread compacts.
//
// Each mutator owns a graph that it also keeps in plain vectors: node i has a handle or is reached from one, carries its
// identity, and each of its slots must lead to the node that the model says.
#include <cinttypes>

#include "gc/delays.h"
#include "os/clock.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr uint32_t kFields = 4;

struct ModelNode {
  uint32_t identity = 0;
  uint32_t links[kFields] = {};  // Index of another node + 1, 0 for null.
  uint32_t payload = 0;          // Number of payload elements behind the fields.
};

class Program {
 public:
  Program(TestHeap* test, ShapeId node, ShapeId filler, uint64_t seed, uint32_t nodes)
      : mutator_(test), random_(seed), node_(node), filler_(filler), model_(nodes) {}

  bool Run(uint64_t until_ns) {
    for (uint32_t i = 0; i < model_.size(); ++i) {
      if (!Replace(i)) return false;
    }
    uint64_t steps = 0;
    while (NowNs() < until_ns) {
      for (uint32_t i = 0; i < 64; ++i) Step();
      if (++steps % 64 == 0) CheckAll();
    }
    CheckAll();
    return true;
  }

  uint64_t checks() const { return checks_; }

 private:
  uint32_t Pick() { return random_.Below(static_cast<uint32_t>(model_.size())); }

  void Step() {
    const uint32_t a = Pick();
    switch (random_.Below(8)) {
      case 0:
        Replace(a);
        break;
      case 1: {  // Garbage of various sizes.
        const uint32_t size = random_.Chance(2) ? random_.Below(3000) : random_.Below(40);
        const WordIndex garbage = mutator_.Allocate(filler_, size);
        if (garbage != 0 && size > 0) mutator_.words(garbage)[1] = size;
        break;
      }
      case 2:
      case 3: {  // Swing a reference.
        const uint32_t field = random_.Below(kFields);
        const uint32_t b = random_.Chance(10) ? 0 : Pick() + 1;
        mutator_.Poll();
        mutator_.reference(mutator_.handle(a), field) = b == 0 ? 0 : mutator_.handle(b - 1);
        model_[a].links[field] = b;
        break;
      }
      default:
        Check(a);
        break;
    }
  }

  // A new object takes the node's place; everything that pointed to the old one still does, so the model's links to it are
  // cut first.
  bool Replace(uint32_t i) {
    const uint32_t payload = random_.Chance(3) ? random_.Below(2000) : random_.Below(24);
    const WordIndex object = mutator_.Allocate(node_, payload);
    if (object == 0) return false;
    for (uint32_t j = 0; j < 4; ++j) {  // Old users found by chance keep the old object: cut a few and forget the rest.
      const uint32_t user = Pick();
      for (uint32_t f = 0; f < kFields; ++f) {
        if (model_[user].links[f] == i + 1) Cut(user, f);
      }
    }
    for (ModelNode& node : model_) {
      for (uint32_t f = 0; f < kFields; ++f) {
        if (node.links[f] == i + 1) Cut(static_cast<uint32_t>(&node - model_.data()), f);
      }
    }
    ModelNode& node = model_[i];
    node = ModelNode{};
    node.identity = ++next_identity_;
    node.payload = payload;
    uint64_t* const words = mutator_.words(object);
    words[3] = node.identity;
    for (uint32_t k = 0; k < payload; ++k) words[4 + k] = (uint64_t{node.identity} << 32) | k;
    mutator_.handle(i) = object;
    return true;
  }

  void Cut(uint32_t user, uint32_t field) {
    model_[user].links[field] = 0;
    if (mutator_.handle(user) != 0) mutator_.reference(mutator_.handle(user), field) = 0;
  }

  void Check(uint32_t i) {
    mutator_.Poll();
    const WordIndex object = mutator_.handle(i);
    if (object == 0) return;
    const ModelNode& node = model_[i];
    const uint64_t* const words = mutator_.words(object);
    EXPECT(mutator_.slots(object)[0] == node_);
    EXPECT(mutator_.slots(object)[1] == node.payload);
    EXPECT(words[3] == node.identity);
    for (uint32_t k = 0; k < node.payload; ++k) EXPECT(words[4 + k] == ((uint64_t{node.identity} << 32) | k));
    for (uint32_t f = 0; f < kFields; ++f) {
      const uint32_t link = node.links[f];
      const uint32_t reference = mutator_.reference(object, f);
      EXPECT(reference == (link == 0 ? 0 : mutator_.handle(link - 1)));
    }
    ++checks_;
  }

  void CheckAll() {
    for (uint32_t i = 0; i < model_.size(); ++i) Check(i);
  }

  TestMutator mutator_;
  Random random_;
  ShapeId node_;
  ShapeId filler_;
  std::vector<ModelNode> model_;
  uint32_t next_identity_ = 0;
  uint64_t checks_ = 0;
};

void RunMode(FaultModeKind mode, uint64_t seed, bool delays) {
  if (!ModeWorks(mode)) return;
  TestHeap::Options options;
  options.mode = mode;
  options.capacity_regions = 12;
  options.reserve_regions = 4;
  options.delay_seed = delays ? seed | 1 : 0;
  TestHeap test(options);
  const ShapeId node = test.DefineShape(kFields, 1, ElementKind::kData, 3);
  const ShapeId filler = test.DefineShape(0, 0, ElementKind::kData, 3);
  test.StartControl();
  const uint64_t until = NowNs() + (ShortForm() ? 1'000 : 3'000) * kNsPerMs;
  std::atomic<uint64_t> checks{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Program program(&test, node, filler, seed * 31 + t, 1500);
      EXPECT(program.Run(until));
      checks.fetch_add(program.checks());
    });
  }
  for (std::thread& thread : threads) thread.join();
  SetDelaySeed(0);
  const Statistics& statistics = test.heap.statistics;
  std::printf("%-8s %s %6" PRIu64 " cycles, %6" PRIu64 " compacting, %8" PRIu64 " checks, pages by workers %" PRIu64
              ", by mutators %" PRIu64 ", flip p50 %" PRIu64 " us\n",
              NameOf(mode), delays ? "delays" : "      ", Read(statistics.cycles), Read(statistics.compacting_cycles),
              checks.load(), Read(statistics.pages_by_workers), Read(statistics.pages_by_mutators),
              statistics.flip_pause.Quantile(0.5) / 1000);
  EXPECT(Read(statistics.compacting_cycles) > 0);
  EXPECT(checks.load() > 0);
}

}  // namespace
}  // namespace faultline::test

int main(int argc, char** argv) {
  using namespace faultline;
  const uint64_t seed = test::SeedFrom(argc, argv, 20261121);
  for (const FaultModeKind mode :
       {FaultModeKind::kStw, FaultModeKind::kSigbus, FaultModeKind::kThread, FaultModeKind::kSigsegv}) {
    test::RunMode(mode, seed, false);
    test::RunMode(mode, seed, true);
  }
  return 0;
}
