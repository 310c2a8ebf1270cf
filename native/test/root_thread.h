// A mutator on a thread of its own, which comes to a safepoint all the time and does between two of them what it is told.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "test_heap.h"

namespace faultline::test {

class RootThread {
 public:
  RootThread(TestHeap* test, uint32_t handles) : thread_([this, test, handles] { Run(test, handles); }) {
    Do([](TestMutator&) {});
  }
  ~RootThread() {
    ending_.store(true);
    thread_.join();
  }

  // Returns when the thread has done it.  The caller is no mutator, and no stop is requested.
  void Do(std::function<void(TestMutator&)> what) {
    what_ = std::move(what);
    asked_.store(true, std::memory_order_release);
    while (asked_.load(std::memory_order_acquire)) std::this_thread::yield();
  }

 private:
  void Run(TestHeap* test, uint32_t handles) {
    TestMutator mutator(test, handles);
    while (!ending_.load()) {
      mutator.Poll();
      if (asked_.load(std::memory_order_acquire)) {
        what_(mutator);
        asked_.store(false, std::memory_order_release);
      } else {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      }
    }
  }

  std::function<void(TestMutator&)> what_;
  std::atomic<bool> asked_{false};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace faultline::test
