// WeakProgram: random operations on weak references, a weak map that threads share, and finalizers, against a model.
//
// A thread has slots, each for a node that it may hold with a handle.  Every node has an identity, is referred to weakly by the element
// of the thread's array with the slot's number, and is a key of the shared map; its value leads to another node of the thread.  So a
// node without a handle lives as long as a chain of entries leads to it from a node with one.
//
// The model knows which node leads to which.  A death may be noticed late; but never may a live node be missing, a node die twice, or a
// held value come too often.
#pragma once

#include <mutex>
#include <unordered_map>
#include <vector>

#include "weak_structures.h"

namespace faultline::test {

// Tokens that a thread took for another one.
struct TokenExchange {
  std::mutex lock;
  std::vector<uint64_t> of_thread[4];
};

class WeakProgram {
 public:
  WeakProgram(TestHeap* test, const WeakShapes& shapes, TokenExchange* exchange, uint32_t thread, uint64_t seed, uint32_t slots)
      : test_(test),
        mutator_(test, kFirst + slots),
        weak_(test, &mutator_, shapes, kScratch),
        exchange_(exchange),
        thread_(thread),
        random_(seed),
        slots_(slots) {
    mutator_.handle(kArray) = mutator_.Allocate(shapes.weak, slots);
    LoadMap();
    for (uint32_t i = 0; i < slots; ++i) Replace(i);
  }

  void Steps(uint32_t count) {
    for (uint32_t step = 0; step < count; ++step) {
      const uint32_t i = Pick();
      switch (random_.Below(10)) {
        case 0:
        case 1:
          Replace(i);
          break;
        case 2:
        case 3:
          mutator_.handle(kFirst + i) = 0;
          if (slots_[i].identity != 0) nodes_[slots_[i].identity].held = false;
          break;
        case 4:
        case 5:
          Revive(i);
          break;
        case 6:
          Relink(i);
          break;
        case 7:
          TakeSome();
          break;
        default:
          Check(i);
          break;
      }
      if (random_.Chance(20)) mutator_.Allocate(garbage_shape_, random_.Below(30));
      mutator_.Poll();
    }
  }

  // All tokens that there are, also those of other threads.
  void Drain() { TakeSome(~0u); }

  // Everything dead has been collected, and every thread has drained.  What is alive in the model is there, and nothing else.
  void CheckExactly() {
    TakeSome(0);
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      const WordIndex node = weak_.Read(mutator_.handle(kArray), i);
      const uint64_t identity = slots_[i].identity;
      EXPECT((node != 0) == (identity != 0 && !nodes_[identity].lost && Alive(identity)));
      Check(i);
    }
    for (const auto& [identity, node] : nodes_) {
      if (node.tokens > 0) EXPECT(Alive(identity));
    }
  }

  TestMutator& mutator() { return mutator_; }
  void set_garbage_shape(ShapeId shape) { garbage_shape_ = shape; }
  uint64_t checks() const { return checks_; }
  uint64_t seen_dead() const { return seen_dead_; }
  uint64_t taken() const { return taken_; }

 private:
  static constexpr uint32_t kArray = 0;
  static constexpr uint32_t kMap = 1;
  static constexpr uint32_t kValue = 2;
  static constexpr uint32_t kFound = 3;
  static constexpr uint32_t kScratch = 4;
  static constexpr uint32_t kFirst = 8;

  struct Slot {
    uint64_t identity = 0;  // Of the node that the array's element refers to.
  };
  struct Node {
    bool held = false;
    bool lost = false;    // A weak read has said so.
    uint64_t link = 0;    // The node that its entry's value leads to; 0 when it has no entry.
    uint32_t tokens = 0;  // Registered and not out yet.
  };

  uint32_t Pick() { return random_.Below(static_cast<uint32_t>(slots_.size())); }
  void LoadMap() { mutator_.handle(kMap) = __atomic_load_n(&test_->heap.shared_roots[0], __ATOMIC_RELAXED); }

  bool Alive(uint64_t identity) {
    // From all that are held, along entries.
    std::vector<uint64_t> stack;
    std::unordered_map<uint64_t, bool> seen;
    for (const auto& [id, node] : nodes_) {
      if (node.held) stack.push_back(id);
    }
    while (!stack.empty()) {
      const uint64_t at = stack.back();
      stack.pop_back();
      if (at == identity) return true;
      if (seen[at]) continue;
      seen[at] = true;
      if (nodes_[at].link != 0) stack.push_back(nodes_[at].link);
    }
    return false;
  }

  // A new node in the slot; whoever held the old one holds it no longer.
  void Replace(uint32_t i) {
    const uint64_t old = slots_[i].identity;
    const WordIndex node = weak_.NewNode(next_identity_ + 1);
    const uint64_t identity = uint64_t{thread_} << 32 | ++next_identity_;
    mutator_.words(node)[2] = identity;
    if (old != 0) nodes_[old].held = false;
    mutator_.handle(kFirst + i) = node;
    nodes_[identity].held = true;
    slots_[i].identity = identity;
    mutator_.reference(mutator_.handle(kArray), i) = node;
    if (random_.Chance(70)) Relink(i);
    for (uint32_t times = random_.Chance(30) ? 1 + random_.Below(2) : 0; times > 0; --times) {
      weak_.FinalizeLater(kFirst + i, static_cast<double>(identity));
      ++nodes_[identity].tokens;
    }
    if (nodes_.size() > 8 * slots_.size() && random_.Chance(1)) Prune();
  }

  // Nobody can come upon it again: not by its slot, which another has now.
  // Nodes that nobody can come upon again.
  void Prune() {
    std::unordered_map<uint64_t, bool> keep;
    for (const Slot& slot : slots_) keep[slot.identity] = true;
    for (bool grown = true; grown;) {
      grown = false;
      for (const auto& [id, node] : nodes_) {
        const bool wanted = keep.count(id) != 0 || node.held || node.tokens > 0;
        if (!wanted) continue;
        if (keep.emplace(id, true).second) grown = true;
        if (node.link != 0 && keep.emplace(node.link, true).second) grown = true;
      }
    }
    std::erase_if(nodes_, [&](const auto& entry) { return keep.count(entry.first) == 0; });
  }

  // The node's entry leads to another node that is held, or goes away.
  void Relink(uint32_t i) {
    Node& node = nodes_[slots_[i].identity];
    if (!node.held) return;
    const uint32_t j = Pick();
    if (mutator_.handle(kFirst + j) == 0) {
      const bool had = node.link != 0;
      EXPECT(weak_.Delete(kMap, kFirst + i) == had);
      node.link = 0;
      return;
    }
    mutator_.handle(kValue) = weak_.NewNode(~slots_[i].identity);
    mutator_.reference(mutator_.handle(kValue), 0) = mutator_.handle(kFirst + j);
    weak_.Set(kMap, kFirst + i, kValue);
    mutator_.handle(kValue) = 0;
    node.link = slots_[j].identity;
  }

  // A node that is not held is, again, by way of its weak reference.
  void Revive(uint32_t i) {
    if (mutator_.handle(kFirst + i) != 0 || slots_[i].identity == 0) return;
    const uint64_t identity = slots_[i].identity;
    const WordIndex found = weak_.Read(mutator_.handle(kArray), i);
    Node& node = nodes_[identity];
    if (found == 0) {
      EXPECT(!Alive(identity));
      if (!node.lost) ++seen_dead_;
      node.lost = true;
      return;
    }
    EXPECT(!node.lost && weak_.IdentityOf(found) == identity);
    mutator_.handle(kFirst + i) = found;
    node.held = true;
    Check(i);
  }

  void TakeSome(uint32_t most = 3) {
    double token = 0;
    for (WordIndex object{0}; most > 0 && weak_.Take(&token, &object); --most) {
      const auto identity = static_cast<uint64_t>(token);
      EXPECT(weak_.IdentityOf(object) == identity);
      ++taken_;
      const std::lock_guard<std::mutex> guard(exchange_->lock);
      exchange_->of_thread[identity >> 32].push_back(identity);
    }
    std::vector<uint64_t> ours;
    {
      const std::lock_guard<std::mutex> guard(exchange_->lock);
      ours.swap(exchange_->of_thread[thread_]);
    }
    for (const uint64_t identity : ours) {
      Node& node = nodes_[identity];
      EXPECT(node.tokens > 0 && !Alive(identity));
      --node.tokens;
      node.link = 0;  // Its entry went before its token came.
    }
  }

  void Check(uint32_t i) {
    const uint64_t identity = slots_[i].identity;
    if (mutator_.handle(kFirst + i) == 0) return;
    EXPECT(weak_.IdentityOf(mutator_.handle(kFirst + i)) == identity);
    uint32_t value = 0;
    const bool there = weak_.Get(kMap, kFirst + i, &value);
    EXPECT(there == (nodes_[identity].link != 0));
    EXPECT(weak_.Read(mutator_.handle(kArray), i) == mutator_.handle(kFirst + i));
    if (there) {
      EXPECT(weak_.IdentityOf(value) == ~identity);
      EXPECT(weak_.IdentityOf(mutator_.reference(value, 0)) == nodes_[identity].link);
    }
    ++checks_;
  }

  TestHeap* test_;
  TestMutator mutator_;
  WeakStructures weak_;
  TokenExchange* exchange_;
  uint32_t thread_;
  Random random_;
  std::vector<Slot> slots_;
  std::unordered_map<uint64_t, Node> nodes_;
  uint32_t next_identity_ = 0;
  ShapeId garbage_shape_{0};
  uint64_t checks_ = 0;
  uint64_t seen_dead_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace faultline::test
