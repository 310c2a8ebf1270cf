#include "workloads.h"

#include <new>
#include <utility>

#include "any_heap/allocation_rate.h"
#include "any_heap/binary_trees.h"
#include "any_heap/fragmentation.h"
#include "any_heap/gcbench.h"
#include "any_heap/lru.h"
#include "clusters.h"
#include "lru_store.h"
#include "memory.h"
#include "trees.h"
#include "values.h"

namespace faultline::peers {
namespace {

// A work holds the mutator's roots, so the collector has to see it.
template <typename Work, typename... Arguments>
Work* Rooted(Arguments&&... arguments) {
  return new (AllocateRoots(sizeof(Work))) Work(std::forward<Arguments>(arguments)...);
}

}  // namespace

bench::Work* MakeWork(const Parameters& parameters, uint32_t seed) {
  const std::string& name = parameters.Text("workload");
  if (name == "gcbench") return Rooted<bench::GcBench<Trees<LabelledNode>>>(parameters, Trees<LabelledNode>());
  if (name == "binary-trees") return Rooted<bench::BinaryTrees<Trees<PlainNode>>>(parameters, Trees<PlainNode>());
  if (name == "lru") return Rooted<bench::Lru<LruStore>>(parameters, seed, LruStore());
  if (name == "fragmentation") return Rooted<bench::Fragmentation<Values>>(parameters, seed, Values());
  if (name == "allocation-rate") return Rooted<bench::AllocationRate<Clusters>>(parameters, seed, Clusters());
  Parameters::Fail("unknown workload: " + name);
}

}  // namespace faultline::peers
