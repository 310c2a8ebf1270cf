// Parameters: a workload's knobs by name.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace faultline::bench {

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

}  // namespace faultline::bench
