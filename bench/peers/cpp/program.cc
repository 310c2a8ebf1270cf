// The peer program in C++: one workload, one process, over malloc or over bdwgc (memory.h).  What it is told and what it says is
// described in bench/peers/program.ts.
//
// Mutators are threads of their own, named mutator-N, so that the operating system's count of their CPU time is theirs alone. They live
// until the result is written, because the CPU time of a thread that has ended can no longer be read.
#include <pthread.h>

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

#include "collections.h"
#include "memory.h"
#include "requests.h"
#include "workload.h"

namespace faultline::peers {

int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Parameters::Parameters(int count, char** words) {
  for (int i = 0; i < count; ++i) {
    const std::string word = words[i];
    const size_t sign = word.find('=');
    if (sign == std::string::npos) throw std::invalid_argument("not a name=value: " + word);
    values_[word.substr(0, sign)] = word.substr(sign + 1);
  }
}

Parameters Parameters::Warmup() const {
  static const std::string kPrefix = "warmup.";
  Parameters changed = *this;
  for (const auto& [name, value] : values_) {
    if (name.starts_with(kPrefix)) changed.values_[name.substr(kPrefix.size())] = value;
  }
  return changed;
}

const std::string& Parameters::Text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::invalid_argument("parameter missing: " + name);
  return found->second;
}

namespace {

Workload* MakeWorkload(const Parameters& parameters) {
  const std::string& name = parameters.Text("workload");
  if (name == "gcbench") return MakeGcbench(parameters);
  if (name == "binary-trees") return MakeBinaryTrees(parameters);
  throw std::invalid_argument("unknown workload: " + name);
}

// Prints a line that bounds the measured part; the answer comes when the observer has read its clocks.
void Say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
  for (int c = std::getchar(); c != '\n' && c != EOF;) c = std::getchar();
}

struct Round {
  explicit Round(int mutators) : barrier(mutators + 1) {}
  std::barrier<> barrier;  // Ready; begin; ended; leave.
  int64_t began_ns = 0;
  Requests* requests = nullptr;
};

struct Thread {
  Round* round;
  const Parameters* parameters;
  int index;
  Tally tally;
  pthread_t id;
};

void* RunMutator(void* argument) {
  auto* thread = static_cast<Thread*>(argument);
  Round& round = *thread->round;
  pthread_setname_np(pthread_self(), ("mutator-" + std::to_string(thread->index)).c_str());
  Workload* workload = MakeWorkload(*thread->parameters);
  round.barrier.arrive_and_wait();
  round.barrier.arrive_and_wait();
  workload->Run(&thread->tally, round.requests, round.began_ns);
  round.barrier.arrive_and_wait();
  delete workload;
  round.barrier.arrive_and_wait();
  return nullptr;
}

// Runs the workload once on its threads.  Where it is the measured one the result is printed.
void RunRound(const Parameters& parameters, Requests* requests, bool measured) {
  const int mutators = parameters.Integer("mutators");
  Round round(mutators);
  round.requests = requests;
  std::vector<Thread> threads(static_cast<size_t>(mutators));
  for (int i = 0; i < mutators; ++i) {
    Thread& thread = threads[static_cast<size_t>(i)];
    thread.round = &round;
    thread.parameters = &parameters;
    thread.index = i;
    // bdwgc's header puts its own function in the place of this one, so that it knows the thread.
    if (pthread_create(&thread.id, nullptr, RunMutator, &thread) != 0) throw std::runtime_error("pthread_create");
  }
  round.barrier.arrive_and_wait();
  if (measured) {
    CollectNow();
    Say("begin");
    ForgetCollections();
  }
  round.began_ns = NowNs();
  round.barrier.arrive_and_wait();
  round.barrier.arrive_and_wait();
  const int64_t ended_ns = NowNs();
  if (measured) {
    SampleHeap();
    Say("end");
  }
  round.barrier.arrive_and_wait();
  Tally sum;
  for (Thread& thread : threads) {
    pthread_join(thread.id, nullptr);
    sum.Add(thread.tally);
  }
  if (!measured) return;
  std::printf(
      "{\"beganNs\":%lld,\"wallNs\":%lld,\"operations\":%llu,\"checks\":%llu,\"mismatches\":%llu,\"checksum\":%u,"
      "\"liveBytes\":%llu,\"requests\":%llu,%s\"runtime\":\"%s\"}\n",
      static_cast<long long>(round.began_ns), static_cast<long long>(ended_ns - round.began_ns),
      static_cast<unsigned long long>(sum.operations), static_cast<unsigned long long>(sum.checks),
      static_cast<unsigned long long>(sum.mismatches), sum.checksum, static_cast<unsigned long long>(sum.live_bytes),
      static_cast<unsigned long long>(requests == nullptr ? 0 : requests->Count()), CollectionsJson().c_str(), RuntimeName().c_str());
}

}  // namespace
}  // namespace faultline::peers

int main(int count, char** words) {
  using namespace faultline::peers;
  ObserveCollections();
  const Parameters parameters(count - 1, words + 1);
  for (int i = 0; i < parameters.Integer("warmups"); ++i) RunRound(parameters.Warmup(), nullptr, false);
  Requests* requests = parameters.Has("requests") ? new Requests(parameters.Text("requests")) : nullptr;
  RunRound(parameters, requests, true);
  return 0;
}
