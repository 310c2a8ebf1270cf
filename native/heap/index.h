// Index: numbers of words, pages, regions and shapes, as types that the compiler tells apart.
//
// All of them are 32 bits, and using one in place of another is the commonest slip in a collector.  An index is constructed explicitly; it
// converts to a number wherever one is wanted, for arithmetic or as a subscript; and only the functions in heap/layout.h turn it into an
// index of another kind.  A word index alone can be made from any number, since slots, control blocks and JavaScript hold references as
// numbers.  It costs nothing: a u32 in a register.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>

namespace faultline {

// What may be added to an index, in its own unit.  A sum with a 64-bit number is a number: the code must say what happens to the upper
// half.
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
