// Index: numbers of words, pages, regions and shapes, which the compiler tells apart.
//
// All of them are 32 bits, and one given in place of another is a collector's commonest slip.  An index is made explicitly; it is a number
// wherever one is wanted, to compute with or to look something up; and it becomes no index of another kind but by the functions in
// heap/layout.h.  Only a word is made of any number, since numbers are what slots, control blocks and JavaScript have for references.  It
// costs nothing: a u32 in a register.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>

namespace faultline {

// What is added to an index, in its own unit.  A sum with 64 bits is a number, and has to say what becomes of the upper half.
template <typename T>
concept IndexOffset = std::integral<T> && sizeof(T) <= sizeof(uint32_t);

struct Word;

template <typename Of>
class Index {
 public:
  constexpr Index() = default;
  template <std::integral T>
  explicit(!(std::same_as<Of, Word> && IndexOffset<T>)) constexpr Index(T value) : value_(static_cast<uint32_t>(value)) {}
  template <typename Other>
  Index(Index<Other>) = delete;

  constexpr operator uint32_t() const { return value_; }

  constexpr Index& operator++() { return *this += 1u; }
  constexpr Index& operator--() { return *this -= 1u; }
  constexpr Index& operator+=(IndexOffset auto count) {
    value_ += static_cast<uint32_t>(count);
    return *this;
  }
  constexpr Index& operator-=(IndexOffset auto count) {
    value_ -= static_cast<uint32_t>(count);
    return *this;
  }
  friend constexpr Index operator+(Index index, IndexOffset auto count) { return index += count; }
  friend constexpr Index operator-(Index index, IndexOffset auto count) { return index -= count; }
  friend constexpr uint32_t operator-(Index a, Index b) { return a.value_ - b.value_; }

  friend constexpr bool operator==(Index a, Index b) { return a.value_ == b.value_; }
  friend constexpr auto operator<=>(Index a, Index b) { return a.value_ <=> b.value_; }
  friend constexpr bool operator==(Index a, IndexOffset auto b) { return a.value_ == static_cast<uint32_t>(b); }
  friend constexpr auto operator<=>(Index a, IndexOffset auto b) { return a.value_ <=> static_cast<uint32_t>(b); }
  template <typename Other>
  friend bool operator==(Index, Index<Other>) = delete;
  template <typename Other>
  friend auto operator<=>(Index, Index<Other>) = delete;

 private:
  uint32_t value_ = 0;
};

}  // namespace faultline

template <typename Of>
struct std::hash<faultline::Index<Of>> {
  size_t operator()(faultline::Index<Of> index) const noexcept { return index; }
};
