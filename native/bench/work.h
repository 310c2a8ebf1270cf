// Work: what one mutator does in a workload, step by step.  bench/workloads/ has the same in TypeScript, once for the heap and
// once for plain JavaScript objects: the same random numbers, the same checks, the same final checksum for the same seed.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "bench/native_mutator.h"
#include "bench/random.h"

namespace faultline::bench {

// A workload's knobs by name.
class Parameters {
 public:
  // A table that all mutators share.
  struct Numbers {
    const uint32_t* data = nullptr;
    uint32_t count = 0;
  };

  void Set(std::string name, double value) { values_[std::move(name)] = value; }
  double Number(const char* name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : found->second;
  }
  uint32_t Count(const char* name) const { return static_cast<uint32_t>(Number(name)); }
  void SetTable(std::string name, Numbers numbers) { tables_[std::move(name)] = numbers; }
  Numbers Table(const char* name) const {
    const auto found = tables_.find(name);
    return found == tables_.end() ? Numbers{} : found->second;
  }

 private:
  std::unordered_map<std::string, Numbers> tables_;
  std::unordered_map<std::string, double> values_;
};

class Work {
 public:
  virtual ~Work() = default;

  // Makes what lives long.
  virtual void Build() = 0;
  // One operation.  No raw reference outlives it: the caller polls between steps.
  virtual void Step(uint32_t index) = 0;
  // A request that only reads, and counts mismatches but no checks: how many there are depends on the clock.
  virtual void Look() {}
  // Checks everything that is alive, and adds it to the checksum.
  virtual void Verify() = 0;
  // Spoils live values, in such a way that a later check must find one and nothing else goes wrong.
  virtual void Corrupt() = 0;
  // What the workload itself counts as alive, where it does.
  virtual double LiveBytes() const { return 0; }

  uint64_t checks = 0;
  uint64_t mismatches = 0;
  uint32_t checksum = 0;

 protected:
  void Check(bool right) {
    ++checks;
    if (!right) ++mismatches;
  }
  void Add(uint32_t value) { checksum = Mixed(checksum ^ value); }
};

}  // namespace faultline::bench
