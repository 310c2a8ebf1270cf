#include "bench/workloads.h"

#include "bench/any_heap/binary_trees.h"
#include "bench/any_heap/fragmentation.h"
#include "bench/any_heap/gcbench.h"
#include "bench/clusters.h"
#include "bench/documents.h"
#include "bench/graph.h"
#include "bench/lru_store.h"
#include "bench/replay.h"
#include "bench/trees.h"
#include "bench/values.h"

namespace faultline::bench {

namespace {

template <typename Access>
std::unique_ptr<Work> Make(const std::string& name, NativeMutator& mutator, const Parameters& parameters, uint32_t seed) {
  if (name == "gcbench") return std::make_unique<GcBench<HeapTrees<Access>>>(parameters, HeapTrees<Access>(mutator, true));
  if (name == "binary-trees") return std::make_unique<BinaryTrees<HeapTrees<Access>>>(parameters, HeapTrees<Access>(mutator, false));
  if (name == "lru") return std::make_unique<Lru<HeapStore<Access>>>(parameters, seed, HeapStore<Access>(mutator));
  if (name == "fragmentation") {
    return std::make_unique<Fragmentation<HeapValues<Access>>>(parameters, seed, HeapValues<Access>(mutator));
  }
  if (name == "allocation-rate") {
    return std::make_unique<AllocationRate<HeapClusters<Access>>>(parameters, seed, HeapClusters<Access>(mutator));
  }
  if (name == "graph") return std::make_unique<Graph<Access>>(mutator, parameters, seed);
  if (name == "documents") return std::make_unique<Documents<Access>>(mutator, parameters, seed);
  if (name == "replay" && parameters.Table("selfBytes").count > 0) {
    return std::make_unique<Replay<Access>>(mutator, parameters, seed);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Work> MakeWork(const std::string& name, NativeMutator& mutator, const Parameters& parameters, uint32_t seed) {
  const bool logs = mutator.marker() == MarkerKind::kSatb;
  if (mutator.asks()) {
    return logs ? Make<AskingAccess<LoggedAccess>>(name, mutator, parameters, seed)
                : Make<AskingAccess<RawAccess>>(name, mutator, parameters, seed);
  }
  return logs ? Make<LoggedAccess>(name, mutator, parameters, seed) : Make<RawAccess>(name, mutator, parameters, seed);
}

}  // namespace faultline::bench
