// HeapInstance: one heap of this process, as all JavaScript threads see it.
//
// The registry finds instances by id, so that a token in a message is enough to attach.  Every environment (main thread,
// worker) that uses a heap holds a reference to the instance and to the SharedArrayBuffers under it; when the last
// environment lets go, the mutator view becomes plain memory again before V8 may free it.
#pragma once

#include <node_api.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "gc/collector.h"
#include "heap/heap.h"

namespace faultline {

class HeapInstance {
 public:
  static Result<std::shared_ptr<HeapInstance>> Create(const Heap::Options& heap_options,
                                                      const Collector::Options& collector_options);
  static std::shared_ptr<HeapInstance> Find(uint32_t id);
  ~HeapInstance();

  // Refused (false) while mutators are attached.
  bool Close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  // --- The control thread --------------------------------------------------------------------------------------------
  // `wake` runs a callback on the control thread's event loop.  False when there is a control thread already.
  bool AttachControl(napi_threadsafe_function wake);
  void DetachControl();
  // True for exactly one caller while nobody is in control or about to be: that caller starts a control thread.  A
  // claimant that has not attached after `patience_ns` is taken for dead.
  bool ClaimControl(uint64_t patience_ns);
  // Whether nobody is in control, so that ClaimControl may be worth a call.
  bool NeedsControl();
  // The claimant's environment ends, and the control thread it started with it.
  void AbandonClaim();

  // --- Requests ------------------------------------------------------------------------------------------------------
  struct Request {
    uint32_t kind = 0;  // Index of COLLECTION_KINDS in src/gc/requests.ts; the larger wins.
    uint32_t reason = 0;
    bool by_trigger = false;  // The heap asked, through CheckTrigger.
  };
  // Returns the number of the collection that will serve the request.
  uint32_t RequestCollection(const Request& request);
  // Begins a collection if one was asked for.
  bool TakeRequest(Request* request);
  // Looked at whenever a mutator takes memory, so that a control thread whose timer is late, or asleep, misses nothing.
  // Each fires once: at `trigger` charged regions the heap asks for a collection, at `alarm` it wakes the control thread.
  void SetTrigger(uint32_t trigger, uint32_t alarm) {
    trigger_.store(trigger, std::memory_order_relaxed);
    alarm_.store(alarm, std::memory_order_relaxed);
  }
  void CheckTrigger(const Request& request);

  const uint32_t id;
  Heap heap;
  std::unique_ptr<Collector> collector;
  std::mutex& lock() { return lock_; }

 private:
  explicit HeapInstance(uint32_t id) : id(id) {}

  std::mutex lock_;  // Attaching, closing, control, requests.  Nobody waits for a mutator while holding it.
  std::atomic<bool> closed_{false};
  napi_threadsafe_function wake_ = nullptr;
  uint64_t control_claimed_ns_ = 0;  // 0: nobody is on the way.
  // Relaxed: hints.
  std::atomic<uint32_t> trigger_{~0u};
  std::atomic<uint32_t> alarm_{~0u};
  bool requested_ = false;
  Request request_;
};

}  // namespace faultline
