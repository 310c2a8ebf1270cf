// Workload: what a mutator runs.  Each mutator has its own; they share nothing but the heap.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace faultline::peers {

// The words `name=value` of the command line.  A missing name is an error: the defaults are the harness's, not a peer's.
class Parameters {
 public:
  Parameters(int count, char** words);
  // The same with the values that the warm-up has of its own: `warmup.NAME=value` stands for `NAME=value`.
  Parameters Warmup() const;
  bool Has(const std::string& name) const { return values_.contains(name); }
  const std::string& Text(const std::string& name) const;
  int Integer(const std::string& name) const { return std::stoi(Text(name)); }
  double Number(const std::string& name) const { return std::stod(Text(name)); }

 private:
  std::map<std::string, std::string> values_;
};

// What one mutator, or all of them, did.  The checksum is a sum modulo 2^32, so the order of mutators does not matter.
struct Tally {
  uint64_t operations = 0;
  uint64_t checks = 0;
  uint64_t mismatches = 0;
  uint64_t live_bytes = 0;
  uint32_t checksum = 0;

  void Check(bool holds) {
    ++checks;
    if (!holds) ++mismatches;
  }
  void Add(const Tally& other) {
    operations += other.operations;
    checks += other.checks;
    mismatches += other.mismatches;
    live_bytes += other.live_bytes;
    checksum += other.checksum;
  }
};

class Requests;

class Workload {
 public:
  virtual ~Workload() = default;
  // `requests` is null in a warm-up and where there are none; `began_ns` is when the schedule of an open loop begins.
  virtual void Run(Tally* tally, Requests* requests, int64_t began_ns) = 0;
};

// Each runs on the mutator that will run the workload.
Workload* MakeGcbench(const Parameters& parameters);
Workload* MakeBinaryTrees(const Parameters& parameters);

// CLOCK_MONOTONIC.
int64_t NowNs();

}  // namespace faultline::peers
