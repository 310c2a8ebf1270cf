// graph; see bench/workloads/graph.ts and vertices.ts.
#pragma once

#include <cmath>
#include <vector>

#include "bench/any_heap/work.h"
#include "bench/native_mutator.h"
#include "bench/parameters.h"

namespace faultline::bench {

template <typename Access>
class Graph final : public Work {
 public:
  Graph(NativeMutator& mutator, const Parameters& parameters, uint32_t seed)
      : mutator_(mutator),
        random_(seed),
        table_(mutator.DefineArray("bench.table", 0, true)),
        vertex_(mutator.DefineArray("bench.vertex", 1, false)),
        edges_(mutator.DefineArray("bench.edges", 0, true)),
        count_(parameters.Count("vertices")),
        edges_per_vertex_(parameters.Count("edgesPerVertex")),
        changes_(parameters.Count("changesPerOperation")),
        rank_every_(parameters.Count("rankEvery")),
        degrees_(count_, 0),
        sums_(count_, 0) {}

  void Build() override {
    mutator_.root(kTable) = mutator_.Allocate(table_, count_);
    for (uint32_t i = 0; i < count_; ++i) {
      const WordIndex vertex = mutator_.Allocate(vertex_, kDoubles);
      Double(vertex, kId) = i;
      Access::Store(mutator_, &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + i], vertex);
      NewEdges(i, kFirstCapacity);
    }
    for (uint32_t edge = 0; edge < edges_per_vertex_; ++edge) {
      for (uint32_t vertex = 0; vertex < count_; ++vertex) AddEdge(vertex);
    }
    for (uint32_t vertex = 0; vertex < count_; ++vertex) Double(At(vertex), kRank) = 1.0 / count_;
  }

  void Step(uint32_t index) override {
    for (uint32_t change = 0; change < changes_; ++change) {
      const uint32_t vertex = random_.Below(count_);
      Change(vertex, random_.Below(4));
      CheckVertex(vertex);
      mutator_.Poll();
    }
    if (index % rank_every_ == rank_every_ - 1) Rank();
  }

  void Verify() override {
    for (uint32_t vertex = 0; vertex < count_; ++vertex) {
      CheckVertex(vertex);
      Add(sums_[vertex]);
      Add(static_cast<uint32_t>(std::floor(Double(At(vertex), kRank) * 0x1p31)));
    }
  }

  void Corrupt() override {
    for (uint32_t vertex = 0; vertex < count_; ++vertex) {
      Access::Store(mutator_, Edge(At(vertex), 0), At((TargetId(vertex, 0) + 1) % count_));
    }
  }

 private:
  static constexpr double kDamping = 0.85;
  static constexpr double kRankTolerance = 1e-6;
  static constexpr uint32_t kPollEvery = 256;
  static constexpr uint32_t kFirstCapacity = 4;

  static constexpr uint32_t kTable = 0;
  static constexpr uint32_t kEdges = kHeaderSlots;
  static constexpr uint32_t kRank = 0;
  static constexpr uint32_t kNext = 1;
  static constexpr uint32_t kId = 2;
  static constexpr uint32_t kDegree = 3;
  static constexpr uint32_t kDoubles = 4;

  WordIndex At(uint32_t vertex) { return Access::Load(mutator_, &mutator_.slots(mutator_.root(kTable))[kHeaderSlots + vertex]); }
  double& Double(WordIndex vertex, uint32_t which) { return mutator_.doubles(vertex)[vertex_.fixed_words + which]; }
  uint32_t DegreeOf(WordIndex vertex) { return static_cast<uint32_t>(Double(vertex, kDegree)); }
  WordIndex EdgesOf(WordIndex vertex) { return Access::Load(mutator_, &mutator_.slots(vertex)[kEdges]); }
  uint32_t* Edge(WordIndex vertex, uint32_t edge) { return &mutator_.slots(EdgesOf(vertex))[kHeaderSlots + edge]; }
  uint32_t TargetId(uint32_t vertex, uint32_t edge) {
    return static_cast<uint32_t>(Double(Access::Load(mutator_, Edge(At(vertex), edge)), kId));
  }

  void Change(uint32_t vertex, uint32_t kind) {
    const uint32_t degree = degrees_[vertex];
    if (kind == 0) {
      AddEdge(vertex);
    } else if (kind == 1 && degree > 1) {
      const uint32_t edge = random_.Below(degree);
      sums_[vertex] -= TargetId(vertex, edge);
      --degrees_[vertex];
      RemoveEdge(vertex, edge);
    } else if (kind == 2) {
      const uint32_t edge = random_.Below(degree);
      const uint32_t target = random_.Skewed(count_);
      sums_[vertex] += target - TargetId(vertex, edge);
      Access::Store(mutator_, Edge(At(vertex), edge), At(target));
    } else {
      NewEdges(vertex, DegreeOf(At(vertex)));
    }
  }

  void AddEdge(uint32_t vertex) {
    const uint32_t target = random_.Skewed(count_);
    const uint32_t degree = DegreeOf(At(vertex));
    if (degree == mutator_.Count(EdgesOf(At(vertex)))) NewEdges(vertex, degree * 2);
    const WordIndex at = At(vertex);
    Access::Store(mutator_, Edge(at, degree), At(target));
    Double(at, kDegree) = degree + 1;
    ++degrees_[vertex];
    sums_[vertex] += target;
  }

  void RemoveEdge(uint32_t vertex, uint32_t edge) {
    const WordIndex at = At(vertex);
    const uint32_t last = DegreeOf(at) - 1;
    Access::Store(mutator_, Edge(at, edge), Access::Load(mutator_, Edge(at, last)));
    Access::Store(mutator_, Edge(at, last), 0);
    Double(at, kDegree) = last;
  }

  void NewEdges(uint32_t vertex, uint32_t capacity) {
    const WordIndex made = mutator_.Allocate(edges_, capacity);
    const WordIndex at = At(vertex);
    const uint32_t degree = DegreeOf(at);
    for (uint32_t edge = 0; edge < degree; ++edge) {
      mutator_.slots(made)[kHeaderSlots + edge] = Access::Load(mutator_, Edge(at, edge));
    }
    Access::Store(mutator_, &mutator_.slots(at)[kEdges], made);
  }

  void Rank() {
    for (uint32_t vertex = 0; vertex < count_; ++vertex) {
      const WordIndex at = At(vertex);
      const uint32_t degree = DegreeOf(at);
      const double share = Double(at, kRank) / degree;
      uint32_t* const first = Edge(at, 0);
      for (uint32_t edge = 0; edge < degree; ++edge) Double(Access::Load(mutator_, &first[edge]), kNext) += share;
      if (vertex % kPollEvery == 0) mutator_.Poll();
    }
    double sum = 0;
    for (uint32_t vertex = 0; vertex < count_; ++vertex) {
      const WordIndex at = At(vertex);
      const double rank = (1 - kDamping) / count_ + kDamping * Double(at, kNext);
      Double(at, kNext) = 0;
      Double(at, kRank) = rank;
      sum += rank;
      if (vertex % kPollEvery == 0) mutator_.Poll();
    }
    Check(std::fabs(sum - 1) < kRankTolerance);
  }

  void CheckVertex(uint32_t vertex) {
    const uint32_t degree = DegreeOf(At(vertex));
    uint32_t sum = 0;
    for (uint32_t edge = 0; edge < degree; ++edge) sum += TargetId(vertex, edge);
    Check(degree == degrees_[vertex]);
    Check(sum == sums_[vertex]);
  }

  NativeMutator& mutator_;
  Random random_;
  const BenchShape table_;
  const BenchShape vertex_;
  const BenchShape edges_;
  const uint32_t count_;
  const uint32_t edges_per_vertex_;
  const uint32_t changes_;
  const uint32_t rank_every_;
  std::vector<uint32_t> degrees_;
  std::vector<uint32_t> sums_;
};

}  // namespace faultline::bench
