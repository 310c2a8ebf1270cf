// Values: those of fragmentation on the heap, in a table of references.
#pragma once

#include "bench/native_mutator.h"

namespace faultline::bench {

template <typename Access>
class HeapValues {
 public:
  explicit HeapValues(NativeMutator& mutator)
      : mutator_(mutator), table_(mutator.DefineArray("bench.table", 0, true)), value_(mutator.DefineArray("bench.doubles", 0, false)) {}

  void Build(uint32_t capacity) { mutator_.root(kTable) = mutator_.Allocate(table_, capacity); }

  double* Put(uint32_t index, uint32_t words) {
    const WordIndex value = mutator_.Allocate(value_, words);
    Access::Store(mutator_, Slot(index), value);
    return Words(value);
  }

  WordIndex At(uint32_t index) { return Access::Load(mutator_, Slot(index)); }
  double* Words(WordIndex value) { return mutator_.doubles(value) + value_.fixed_words; }
  uint32_t Count(WordIndex value) { return mutator_.Count(value); }

  void Replace(uint32_t index, uint32_t last) {
    Access::Store(mutator_, Slot(index), At(last));
    Access::Store(mutator_, Slot(last), 0);
  }

 private:
  static constexpr uint32_t kTable = 0;

  uint32_t* Slot(uint32_t index) { return &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + index]; }

  NativeMutator& mutator_;
  const BenchShape table_;
  const BenchShape value_;
};

}  // namespace faultline::bench
