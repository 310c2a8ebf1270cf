// Result and Status: how native code reports that the system refused.
//
// C++ exceptions are off.  A call that can fail returns one of these, the compiler warns if the result is ignored, and errno is captured on
// the line after the call that set it.
#pragma once

#include <cerrno>
#include <utility>
#include <variant>

namespace faultline {

// A refused system call: which call, and the kernel's error.
struct SysError {
  int error_number = 0;
  const char* call = "";  // Static string, for example "mremap".
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(SysError error) : error_(error), failed_(true) {}  // NOLINT: implicit on purpose

  bool ok() const { return !failed_; }
  const SysError& error() const { return error_; }

 private:
  SysError error_{};
  bool failed_ = false;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}  // NOLINT: implicit on purpose
  Result(SysError error) : state_(error) {}      // NOLINT: implicit on purpose

  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  const SysError& error() const { return std::get<SysError>(state_); }

 private:
  std::variant<T, SysError> state_;
};

}  // namespace faultline
