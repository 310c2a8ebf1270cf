// Requests: start and end of every request, as pairs of doubles in nanoseconds since the measured part began, in a file that is mapped:
// the records lie outside the heap that is measured.  The file has its full size beforehand, all zeros, and is touched once before the
// clock starts.  Each mutator has `operations` records of its own.
#pragma once

#include <cstdint>

#include "parameters.h"

namespace faultline::peers {

class Requests {
 public:
  // The file that the parameter `requests` names; without it nothing is noted.
  explicit Requests(const Parameters& parameters);
  bool wanted() const { return records_ != nullptr; }
  void Note(uint64_t index, int64_t start_ns, int64_t end_ns) {
    records_[index * 2] = static_cast<double>(start_ns);
    records_[index * 2 + 1] = static_cast<double>(end_ns);
  }

 private:
  double* records_ = nullptr;
};

}  // namespace faultline::peers
