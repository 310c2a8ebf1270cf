// Values: those of fragmentation, in a table of pointers.
#pragma once

#include <cstdint>

#include "memory.h"

namespace faultline::peers {

class Values {
 public:
  struct Value {
    uint64_t count;
    double words[];
  };

  void Build(uint32_t capacity) { table_ = static_cast<Value**>(AllocateBytes(capacity * sizeof(Value*))); }

  double* Put(uint32_t index, uint32_t words) {
    auto* const value = static_cast<Value*>(AllocateData(sizeof(Value) + words * sizeof(double)));
    value->count = words;
    table_[index] = value;
    return value->words;
  }

  Value* At(uint32_t index) { return table_[index]; }
  double* Words(Value* value) { return value->words; }
  uint32_t Count(const Value* value) { return static_cast<uint32_t>(value->count); }

  void Replace(uint32_t index, uint32_t last) {
    Free(table_[index]);
    table_[index] = table_[last];
    table_[last] = nullptr;
  }

 private:
  Value** table_ = nullptr;
};

}  // namespace faultline::peers
