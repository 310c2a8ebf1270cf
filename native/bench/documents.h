// documents; see bench/workloads/documents.ts and heap-documents.ts.
#pragma once

#include <vector>

#include "bench/any_heap/work.h"
#include "bench/native_mutator.h"
#include "bench/parameters.h"

namespace faultline::bench {

template <typename Access>
class Documents final : public Work {
 public:
  Documents(NativeMutator& mutator, const Parameters& parameters, uint32_t seed)
      : mutator_(mutator),
        random_(seed),
        seed_(seed),
        table_(mutator.DefineArray("bench.table", 0, true)),
        node_(mutator.DefineShape("bench.tree-node", 2, 4)),
        text_(mutator.DefineArray("bench.doubles", 0, false)),
        posting_(mutator.DefineShape("bench.posting", 2, 4)),
        vocabulary_(parameters.Count("vocabulary")),
        update_percent_(parameters.Count("updatePercent")),
        versions_(parameters.Count("documents"), 0) {}

  void Build() override {
    mutator_.root(kTable) = mutator_.Allocate(table_, static_cast<uint32_t>(versions_.size()));
    mutator_.root(kIndex) = mutator_.Allocate(table_, vocabulary_);
    for (uint32_t document = 0; document < versions_.size(); ++document) Make(document);
  }

  void Step(uint32_t) override {
    if (random_.Below(100) < update_percent_) {
      const uint32_t document = random_.Below(static_cast<uint32_t>(versions_.size()));
      RemovePostings(document);
      ++versions_[document];
      Make(document);
    } else {
      const uint32_t first = random_.Squared(vocabulary_);
      Search(first, random_.Squared(vocabulary_));
    }
  }

  void Verify() override {
    for (uint32_t document = 0; document < versions_.size(); ++document) {
      CheckDocument(document);
      Add(versions_[document]);
    }
    for (uint32_t word = 0; word < vocabulary_; ++word) {
      uint32_t length = 0;
      for (WordIndex at = Load(Entry(kIndex, word)); at != 0; at = Load(&mutator_.slots(at)[kNext])) ++length;
      Add(length);
    }
  }

  void Corrupt() override {
    for (uint32_t document = 0; document < versions_.size(); ++document) {
      double& word = Words(TextOf(Root(document), 0, 0))[0];
      word = word == 0 ? 1 : word - 1;
    }
  }

 private:
  static constexpr uint32_t kSearched = 20;
  static constexpr uint32_t kLeastSections = 2;
  static constexpr uint32_t kLeastLeaves = 2;
  static constexpr uint32_t kLeastWords = 3;
  static constexpr uint32_t kMoreSections = 4;
  static constexpr uint32_t kMoreLeaves = 5;
  static constexpr uint32_t kMoreWords = 10;

  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kIndex = 1;
  static constexpr uint32_t kDocument = 2;
  static constexpr uint32_t kSection = 3;
  static constexpr uint32_t kText = 4;

  static constexpr uint32_t kChildren = 2;
  static constexpr uint32_t kTextSlot = 3;
  static constexpr uint32_t kNext = 2;
  static constexpr uint32_t kRoot = 3;
  static constexpr uint32_t kNumber = 4;

  WordIndex Load(uint32_t* slot) { return Access::Load(mutator_, slot); }
  uint32_t* Entry(uint32_t root, uint32_t index) { return &mutator_.slots(mutator_.root(root))[kHeaderSlots + index]; }
  WordIndex Root(uint32_t document) { return Load(Entry(kTable, document)); }
  WordIndex ChildrenOf(WordIndex node) { return Load(&mutator_.slots(node)[kChildren]); }
  uint32_t ChildCount(WordIndex node) { return mutator_.Count(ChildrenOf(node)); }
  uint32_t* Child(WordIndex node, uint32_t index) { return &mutator_.slots(ChildrenOf(node))[kHeaderSlots + index]; }
  WordIndex TextOf(WordIndex root, uint32_t section, uint32_t leaf) {
    return Load(&mutator_.slots(Load(Child(Load(Child(root, section)), leaf)))[kTextSlot]);
  }
  double* Words(WordIndex text) { return mutator_.doubles(text) + text_.fixed_words; }

  Random Contents(uint32_t document) const { return Random(Mixed(seed_ ^ Mixed(document) ^ versions_[document] * 0x9e3779b1u)); }

  void AddList(uint32_t root, uint32_t length) {
    const WordIndex list = mutator_.Allocate(table_, length);
    Access::Store(mutator_, &mutator_.slots(mutator_.root(root))[kChildren], list);
  }

  void Make(uint32_t document) {
    Random random = Contents(document);
    const uint32_t sections = kLeastSections + random.Below(kMoreSections);
    mutator_.root(kDocument) = mutator_.Allocate(node_);
    AddList(kDocument, sections);
    for (uint32_t section = 0; section < sections; ++section) {
      const uint32_t leaves = kLeastLeaves + random.Below(kMoreLeaves);
      const WordIndex made = mutator_.Allocate(node_);
      mutator_.root(kSection) = made;
      mutator_.slots(made)[kNumber] = section;
      AddList(kSection, leaves);
      Access::Store(mutator_, Child(mutator_.root(kDocument), section), mutator_.root(kSection));
      for (uint32_t leaf = 0; leaf < leaves; ++leaf) {
        const uint32_t words = kLeastWords + random.Below(kMoreWords);
        const WordIndex text = mutator_.Allocate(text_, words);
        mutator_.root(kText) = text;
        const WordIndex node = mutator_.Allocate(node_);
        mutator_.slots(node)[kNumber] = leaf;
        mutator_.slots(node)[kTextSlot] = mutator_.root(kText);
        Access::Store(mutator_, Child(mutator_.root(kSection), leaf), node);
        double* const at = Words(mutator_.root(kText));
        for (uint32_t word = 0; word < words; ++word) at[word] = random.Squared(vocabulary_);
      }
    }
    Access::Store(mutator_, Entry(kTable, document), mutator_.root(kDocument));
    mutator_.root(kSection) = mutator_.root(kText) = 0;
    AddPostings(document);
  }

  // `visit` may be a safepoint: the way to each word is gone anew.
  template <typename Visit>
  void ForEachWord(uint32_t document, Visit visit) {
    const uint32_t sections = ChildCount(Root(document));
    for (uint32_t section = 0; section < sections; ++section) {
      const uint32_t leaves = ChildCount(Load(Child(Root(document), section)));
      for (uint32_t leaf = 0; leaf < leaves; ++leaf) {
        const uint32_t words = mutator_.Count(TextOf(Root(document), section, leaf));
        for (uint32_t word = 0; word < words; ++word) {
          visit(static_cast<uint32_t>(Words(TextOf(Root(document), section, leaf))[word]));
        }
      }
    }
  }

  void AddPostings(uint32_t document) {
    ForEachWord(document, [&](uint32_t word) {
      const WordIndex first = Load(Entry(kIndex, word));
      if (first != 0 && mutator_.slots(first)[kNumber] == document) return;
      const WordIndex posting = mutator_.Allocate(posting_);
      uint32_t* const slots = mutator_.slots(posting);
      slots[kNumber] = document;
      slots[kRoot] = mutator_.root(kDocument);
      slots[kNext] = Load(Entry(kIndex, word));
      Access::Store(mutator_, Entry(kIndex, word), posting);
    });
    mutator_.root(kDocument) = 0;
  }

  void RemovePostings(uint32_t document) {
    ForEachWord(document, [&](uint32_t word) {
      uint32_t* slot = Entry(kIndex, word);
      for (WordIndex posting = Load(slot); posting != 0; posting = Load(slot)) {
        if (mutator_.slots(posting)[kNumber] == document) {
          Access::Store(mutator_, slot, Load(&mutator_.slots(posting)[kNext]));
          return;
        }
        slot = &mutator_.slots(posting)[kNext];
      }
    });
  }

  bool Has(WordIndex root, uint32_t word) {
    for (uint32_t section = ChildCount(root); section-- > 0;) {
      const uint32_t leaves = ChildCount(Load(Child(root, section)));
      for (uint32_t leaf = 0; leaf < leaves; ++leaf) {
        const WordIndex text = TextOf(root, section, leaf);
        const double* const words = Words(text);
        const uint32_t count = mutator_.Count(text);
        for (uint32_t i = 0; i < count; ++i) {
          if (words[i] == word) return true;
        }
      }
    }
    return false;
  }

  void Search(uint32_t first, uint32_t second) {
    uint32_t searched = 0;
    uint32_t found = 0;
    int64_t sample = -1;
    for (WordIndex posting = Load(Entry(kIndex, first)); posting != 0 && searched < kSearched;
         posting = Load(&mutator_.slots(posting)[kNext])) {
      ++searched;
      const WordIndex root = Load(&mutator_.slots(posting)[kRoot]);
      Check(Has(root, first));
      if (Has(root, second)) ++found;
      sample = mutator_.slots(posting)[kNumber];
    }
    Add(found);
    if (sample >= 0) CheckDocument(static_cast<uint32_t>(sample));
  }

  void CheckDocument(uint32_t document) {
    Random random = Contents(document);
    const WordIndex root = Root(document);
    const uint32_t sections = kLeastSections + random.Below(kMoreSections);
    bool right = ChildCount(root) == sections;
    for (uint32_t section = 0; section < sections && right; ++section) {
      const uint32_t leaves = kLeastLeaves + random.Below(kMoreLeaves);
      right = ChildCount(Load(Child(root, section))) == leaves;
      for (uint32_t leaf = 0; leaf < leaves && right; ++leaf) {
        const uint32_t words = kLeastWords + random.Below(kMoreWords);
        const WordIndex text = TextOf(root, section, leaf);
        right = mutator_.Count(text) == words;
        for (uint32_t word = 0; word < words && right; ++word) {
          right = Words(text)[word] == random.Squared(vocabulary_);
          Check(right);
        }
      }
    }
    Check(right);
  }

  NativeMutator& mutator_;
  Random random_;
  const uint32_t seed_;
  const BenchShape table_;
  const BenchShape node_;
  const BenchShape text_;
  const BenchShape posting_;
  const uint32_t vocabulary_;
  const uint32_t update_percent_;
  std::vector<uint32_t> versions_;
};

}  // namespace faultline::bench
