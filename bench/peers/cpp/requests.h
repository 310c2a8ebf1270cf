// Requests: start and end of every request, as pairs of doubles in nanoseconds since the measured part began, in a file that is mapped:
// the records lie outside the heap that is measured.  The file has its full size beforehand, all zeros, and is touched once before the
// clock starts.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

namespace faultline::peers {

class Requests {
 public:
  explicit Requests(const std::string& path);
  // Any thread.  What finds no room any more is dropped.
  void Note(int64_t start_ns, int64_t end_ns) {
    const uint64_t index = count_.fetch_add(1, std::memory_order_relaxed);
    if (index >= capacity_) return;
    records_[index * 2] = static_cast<double>(start_ns);
    records_[index * 2 + 1] = static_cast<double>(end_ns);
  }
  uint64_t Count() const { return std::min(count_.load(), capacity_); }

 private:
  double* records_;
  uint64_t capacity_;
  std::atomic<uint64_t> count_{0};
};

}  // namespace faultline::peers
