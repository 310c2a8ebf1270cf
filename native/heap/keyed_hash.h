// Keyed hash: hashes values that a program, or its input, may choose, with a secret key of the heap.
//
// HalfSipHash-1-3 (Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012, in 32-bit words): without the key, nobody can choose
// texts that collide.  A text is hashed as the bytes of its UTF-16 code units.  src/heap/keyed-hash.ts is the same function; both are
// tested with the same vectors.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace faultline {

struct HashKey {
  uint32_t low = 0;
  uint32_t high = 0;
};

class KeyedHash {
 public:
  explicit KeyedHash(HashKey key) : v0_(key.low), v1_(key.high), v2_(0x6c796765u ^ key.low), v3_(0x74656462u ^ key.high) {}

  void Add(uint32_t word) {
    v3_ ^= word;
    Round();
    v0_ ^= word;
  }

  // `last`: the bytes after the last whole word, and above them the total number of bytes, modulo 256.
  uint32_t End(uint32_t last) {
    Add(last);
    v2_ ^= 0xff;
    Round();
    Round();
    Round();
    return v1_ ^ v3_;
  }

 private:
  void Round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 5) ^ v0_;
    v0_ = std::rotl(v0_, 16);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 8) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 7) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v2_;
    v2_ = std::rotl(v2_, 16);
  }

  uint32_t v0_;
  uint32_t v1_;
  uint32_t v2_;
  uint32_t v3_;
};

inline uint32_t HashOfText(HashKey key, std::u16string_view text) {
  KeyedHash hash(key);
  size_t i = 0;
  for (; i + 1 < text.size(); i += 2) hash.Add(text[i] | uint32_t{text[i + 1]} << 16);
  const uint32_t rest = i < text.size() ? text[i] : 0;
  return hash.End(static_cast<uint32_t>(text.size() * 2) << 24 | rest);
}

inline uint32_t HashOfWord(HashKey key, uint32_t word) {
  KeyedHash hash(key);
  hash.Add(word);
  return hash.End(4u << 24);
}

}  // namespace faultline
