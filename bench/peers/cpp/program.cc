// The peer program in C++: one workload, one process, over malloc or over bdwgc (memory.h).  What it is told and what it says is
// described in bench/peers/program.ts.
#include <pthread.h>

#include <cstdio>
#include <string>
#include <vector>

#include "clock.h"
#include "collections.h"
#include "memory.h"
#include "mutator.h"

namespace faultline::peers {
namespace {

// Prints a line that bounds the measured part; the answer comes when the observer has read its clocks.
void Say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
  for (int c = std::getchar(); c != '\n' && c != EOF;) c = std::getchar();
}

void PrintResult(const std::vector<Mutator>& mutators, int64_t began_ns, int64_t wall_ns) {
  uint64_t checks = 0;
  uint64_t mismatches = 0;
  double live_bytes = 0;
  std::string checksums;
  for (const Mutator& mutator : mutators) {
    checks += mutator.work->checks;
    mismatches += mutator.work->mismatches;
    live_bytes += mutator.work->LiveBytes();
    checksums += (checksums.empty() ? "" : ",") + std::to_string(mutator.work->checksum);
  }
  const std::string text = "{\"beganNs\":" + std::to_string(began_ns) + ",\"wallNs\":" + std::to_string(wall_ns) +
                           ",\"checks\":" + std::to_string(checks) + ",\"mismatches\":" + std::to_string(mismatches) + ",\"checksums\":[" +
                           checksums + "],\"liveBytes\":" + std::to_string(static_cast<uint64_t>(live_bytes)) + "," + CollectionsJson() +
                           "\"runtime\":\"" + RuntimeName() + "\"}";
  std::puts(text.c_str());
}

void Run(const Parameters& parameters) {
  std::vector<Mutator> mutators(parameters.Count("mutators"));
  Measurement measurement(parameters, static_cast<int>(mutators.size()));
  for (uint32_t i = 0; i < mutators.size(); ++i) {
    mutators[i] = {&measurement, i, nullptr};
    pthread_t id;
    // bdwgc's header puts its own function in the place of this one, so that it knows the thread.
    if (pthread_create(&id, nullptr, RunMutator, &mutators[i]) != 0) Parameters::Fail("cannot make a thread");
    pthread_detach(id);
  }
  measurement.barrier.arrive_and_wait();
  Say("begin");
  ForgetCollections();
  measurement.began_ns = NowNs();
  measurement.barrier.arrive_and_wait();
  measurement.barrier.arrive_and_wait();
  const int64_t wall_ns = NowNs() - measurement.began_ns;
  SampleHeap();
  Say("end");
  measurement.barrier.arrive_and_wait();
  PrintResult(mutators, measurement.began_ns, wall_ns);
  std::fflush(stdout);
}

}  // namespace
}  // namespace faultline::peers

int main(int count, char** words) {
  using namespace faultline::peers;
  ObserveCollections();
  const Parameters parameters(count - 1, words + 1);
  Run(parameters);
  std::_Exit(0);
}
