#include "shadow_program.h"

namespace faultline::test {

ShadowShapes::ShadowShapes(TestHeap* test)
    : node(test->DefineShape(kFields + 1, 1, ElementKind::kData, 3)),
      leaf(test->DefineShape(0, 0, ElementKind::kData, 3)),
      array(test->DefineShape(1, 0, ElementKind::kReference, 2)) {}

ShadowProgram::ShadowProgram(TestHeap* test, const ShadowShapes& shapes, uint64_t seed, const Options& options)
    : mutator_(test), random_(seed), shapes_(shapes), options_(options), model_(options.nodes) {}

bool ShadowProgram::Fill() {
  for (uint32_t i = 0; i < model_.size(); ++i) {
    if (!Replace(i) && !options_.may_run_out) return false;
  }
  return true;
}

bool ShadowProgram::Run(const std::atomic<bool>& ending) {
  if (!Fill()) return false;
  do {
    Steps(512);
    CheckAll();
  } while (!ending.load());
  return true;
}

void ShadowProgram::Steps(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) Step();
}

void ShadowProgram::Step() {
  const uint32_t a = Pick();
  switch (random_.Below(10)) {
    case 0:
      Replace(a);
      if (options_.large_percent > 0 && random_.Chance(options_.large_percent)) ReplaceLarge();
      break;
    case 1: {  // Garbage of various sizes.
      const uint32_t size = random_.Chance(2) ? random_.Below(3000) : random_.Below(40);
      const WordIndex garbage = mutator_.Allocate(shapes_.leaf, size);
      if (garbage != 0 && size > 0) mutator_.words(garbage)[1] = size;
      break;
    }
    case 2:
    case 3: {  // Swing a reference.
      if (model_[a].identity == 0) break;
      const uint32_t field = random_.Below(kFields);
      const uint32_t b = random_.Chance(10) ? 0 : Pick() + 1;
      mutator_.Poll();
      mutator_.Store(&mutator_.reference(mutator_.handle(a), field), b == 0 ? 0 : mutator_.handle(b - 1));
      model_[a].links[field] = b == 0 || model_[b - 1].identity == 0 ? 0 : b;
      break;
    }
    case 4:
      ReplaceLeaf(a);
      break;
    case 5:
      WriteLeaf(a);
      break;
    default:
      Check(a);
      break;
  }
}

// Of any size: next to nothing, pages, regions.
void ShadowProgram::ReplaceLeaf(uint32_t i) {
  if (model_[i].identity == 0) return;
  Node& node = model_[i];
  if (random_.Chance(20)) {
    mutator_.Poll();
    mutator_.Store(&mutator_.reference(mutator_.handle(i), ShadowShapes::kLeafField), 0);
    node.has_leaf = false;
    return;
  }
  const bool is_large = options_.large_percent > 0 && random_.Chance(options_.large_percent);
  const uint32_t words = is_large ? kLargeObjectWords + random_.Below(2 * kRegionWords) : random_.Below(random_.Chance(5) ? 1500 : 30);
  const WordIndex leaf = mutator_.Allocate(shapes_.leaf, words);
  if (leaf == 0) return;
  mutator_.Store(&mutator_.reference(mutator_.handle(i), ShadowShapes::kLeafField), leaf);
  node.has_leaf = true;
  node.leaf_words = words;
  node.leaf_version = 0;
  WriteLeaf(i);
}

void ShadowProgram::WriteLeaf(uint32_t i) {
  Node& node = model_[i];
  if (node.identity == 0 || !node.has_leaf) return;
  mutator_.Poll();
  const WordIndex leaf(mutator_.Load(&mutator_.reference(mutator_.handle(i), ShadowShapes::kLeafField)));
  ++node.leaf_version;
  for (uint32_t k = 0; k < node.leaf_words; ++k) mutator_.words(leaf)[1 + k] = uint64_t{node.identity} << 32 | node.leaf_version;
}

void ShadowProgram::CheckLeaf(uint32_t i) {
  const Node& node = model_[i];
  const WordIndex leaf(mutator_.Load(&mutator_.reference(mutator_.handle(i), ShadowShapes::kLeafField)));
  EXPECT((leaf != 0) == node.has_leaf);
  if (leaf == 0) return;
  EXPECT(mutator_.slots(leaf)[0] == shapes_.leaf && mutator_.slots(leaf)[1] == node.leaf_words);
  for (uint32_t k = 0; k < node.leaf_words; ++k) {
    EXPECT(mutator_.words(leaf)[1 + k] == (uint64_t{node.identity} << 32 | node.leaf_version));
  }
}

// A new object takes the node's place.  Everything that pointed to the old one would still do so, so those links are cut.
bool ShadowProgram::Replace(uint32_t i) {
  const uint32_t payload = random_.Chance(3) ? random_.Below(2000) : random_.Below(24);
  const WordIndex object = mutator_.Allocate(shapes_.node, payload);
  if (object == 0) return false;
  for (uint32_t user = 0; user < model_.size(); ++user) {
    for (uint32_t field = 0; field < kFields; ++field) {
      if (model_[user].links[field] == i + 1) Cut(user, field);
    }
  }
  for (uint32_t slot = 0; slot < kLargeSlots; ++slot) {
    for (uint32_t k = 0; k < large_[slot].links.size(); ++k) {
      if (large_[slot].links[k] != i + 1) continue;
      large_[slot].links[k] = 0;
      mutator_.Store(&mutator_.reference(mutator_.handle(static_cast<uint32_t>(model_.size()) + slot), 2 + k * large_[slot].stride), 0);
    }
  }
  Node& node = model_[i];
  node = Node{};
  node.identity = ++next_identity_;
  node.payload = payload;
  uint64_t* const words = mutator_.words(object);
  words[4] = node.identity;
  for (uint32_t k = 0; k < payload; ++k) words[5 + k] = (uint64_t{node.identity} << 32) | k;
  mutator_.handle(i) = object;
  return true;
}

// Arrays of references over more than half a region, up to three regions, with a link on about every tenth page.
void ShadowProgram::ReplaceLarge() {
  const uint32_t slot = random_.Below(kLargeSlots);
  const uint32_t handle = static_cast<uint32_t>(model_.size()) + slot;
  mutator_.handle(handle) = 0;
  large_[slot] = Large{};
  if (random_.Chance(30)) return;
  const uint32_t count = 2 * kLargeObjectWords + random_.Below(4 * kRegionWords);
  const WordIndex object = mutator_.Allocate(shapes_.array, count);
  if (object == 0) return;
  mutator_.handle(handle) = object;
  Large& large = large_[slot];
  large.count = count;
  large.stride = 5000 + random_.Below(10000);
  for (uint32_t k = 0; k * large.stride < count; ++k) {
    const uint32_t b = Pick();
    mutator_.Store(&mutator_.reference(object, 2 + k * large.stride), mutator_.handle(b));
    large.links.push_back(model_[b].identity == 0 ? 0 : b + 1);
  }
}

void ShadowProgram::CheckLarge(uint32_t slot) {
  const Large& large = large_[slot];
  const WordIndex object = mutator_.handle(static_cast<uint32_t>(model_.size()) + slot);
  EXPECT((object == 0) == (large.count == 0));
  if (object == 0) return;
  EXPECT(mutator_.slots(object)[0] == shapes_.array && mutator_.slots(object)[1] == large.count);
  for (uint32_t k = 0; k < large.links.size(); ++k) {
    const uint32_t link = large.links[k];
    EXPECT(mutator_.Load(&mutator_.reference(object, 2 + k * large.stride)) == (link == 0 ? 0 : mutator_.handle(link - 1)));
    if (k * large.stride + 1 < large.count) EXPECT(mutator_.reference(object, 2 + k * large.stride + 1) == 0);
  }
}

void ShadowProgram::Cut(uint32_t user, uint32_t field) {
  model_[user].links[field] = 0;
  if (mutator_.handle(user) != 0) mutator_.Store(&mutator_.reference(mutator_.handle(user), field), 0);
}

void ShadowProgram::Check(uint32_t i) {
  mutator_.Poll();
  const WordIndex object = mutator_.handle(i);
  EXPECT((object == 0) == (model_[i].identity == 0));
  if (object == 0) return;
  const Node& node = model_[i];
  const uint64_t* const words = mutator_.words(object);
  EXPECT(mutator_.slots(object)[0] == shapes_.node);
  EXPECT(mutator_.slots(object)[1] == node.payload);
  EXPECT(words[4] == node.identity);
  for (uint32_t k = 0; k < node.payload; ++k) EXPECT(words[5 + k] == ((uint64_t{node.identity} << 32) | k));
  for (uint32_t f = 0; f < kFields; ++f) {
    const uint32_t link = node.links[f];
    EXPECT(mutator_.Load(&mutator_.reference(object, f)) == (link == 0 ? 0 : mutator_.handle(link - 1)));
  }
  CheckLeaf(i);
  ++checks_;
}

void ShadowProgram::CheckAll() {
  for (uint32_t i = 0; i < model_.size(); ++i) Check(i);
  mutator_.Poll();
  for (uint32_t slot = 0; slot < kLargeSlots; ++slot) CheckLarge(slot);
}

}  // namespace faultline::test
