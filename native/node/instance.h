// HeapInstance: one heap of this process, as all JavaScript threads see it.
//
// The registry finds instances by id, so that a token in a message is enough to attach.  Every environment (main thread, worker) that uses
// a heap holds a reference to the instance and to its SharedArrayBuffers; when the last environment releases it, the mutator view becomes
// plain memory again before V8 may free it.
#pragma once

#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

#include "gc/collector.h"
#include "heap/heap.h"
#include "node/control_start.h"
#include "os/lock.h"

namespace faultline {

class HeapInstance {
 public:
  static Result<std::shared_ptr<HeapInstance>> Create(const Heap::Options& heap_options, const Collector::Options& collector_options);
  static std::shared_ptr<HeapInstance> Find(uint32_t id);
  ~HeapInstance();

  // Closing has two steps, between which the control thread ends.  The first decides: from then on there is no new mutator, no new request
  // and no new control thread.  Returns how many mutators are attached besides the caller's `own`; if there are any, nothing has changed.
  uint32_t BeginClose(uint32_t own);
  // A thread is about to attach: until EndAttach the heap is in use.  False if it is being closed.
  bool BeginAttach();
  void EndAttach();
  // Gives the memory back.  BeginClose came before, the caller's mutators are detached, and there is no control thread.
  void Close();
  bool closing() const { return closing_.load(std::memory_order_acquire); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  // --- The control thread --------------------------------------------------------------------------------------------
  // `wake` runs a callback on the control thread's event loop.  False if there is a control thread already, or the heap is being closed.
  bool AttachControl(napi_threadsafe_function wake);
  void DetachControl();
  bool InControl();
  // Whether ClaimControl would find no control thread, neither attached nor starting.
  bool NeedsControl();
  enum class Control { kAttached, kStarting, kGivenUp, kClaimed };
  // kClaimed for exactly one caller while there is no control thread, neither attached nor starting: that caller starts one, and says so.
  Control ClaimControl(uint32_t* claim);
  void NoteControlStarted(uint32_t claim);
  // The thread that was started for that claim, or took control by it, has failed.
  void NoteControlFailed(uint32_t claim, bool final, const std::string& reason);
  // The claimant's environment ends, and the control thread that it started with it.
  void AbandonClaim(uint32_t claim);
  // Why the last control thread failed; empty if no reason was given, or it works.
  std::string ControlFailure();
  // A collection of that kind was completed; called before the threads that wait for its end are woken.
  void NoteCollectionEnds(uint32_t kind);
  // Whether the collection with that number was completed, and not abandoned by a control thread that ended.
  bool Completed(uint32_t ticket, uint32_t kind) const {
    // Numbers wrap around.
    return static_cast<int32_t>(completed_[std::min(kind, kKinds - 1)].load(std::memory_order_acquire) - ticket) >= 0;
  }

  // --- Requests ------------------------------------------------------------------------------------------------------
  struct Request {
    uint32_t kind = 0;  // Index of COLLECTION_KINDS in src/gc/requests.ts; the larger wins.
    uint32_t reason = 0;
    bool by_trigger = false;  // Requested by the heap, through CheckTrigger.
  };
  // Returns the number of the collection that will serve the request.
  uint32_t RequestCollection(const Request& request);
  // Begins a collection if one was requested.
  bool TakeRequest(Request* request);
  bool IsRequested() {
    const LockGuard guard(lock_);
    return requested_;
  }
  // Checked whenever a mutator takes memory, so that nothing is missed if the control thread sleeps or its timer is late.  Each fires once:
  // at `trigger` charged regions the heap requests a collection, at `alarm` it wakes the control thread.
  void SetTrigger(uint32_t trigger, uint32_t alarm) {
    trigger_.store(trigger, std::memory_order_relaxed);
    alarm_.store(alarm, std::memory_order_relaxed);
  }
  void CheckTrigger(const Request& request);

  const uint32_t id;
  Heap heap;
  std::unique_ptr<Collector> collector;

 private:
  explicit HeapInstance(uint32_t id) : id(id) {}

  Lock lock_;  // Attaching, closing, control, requests.
  std::atomic<bool> closed_{false};
  std::atomic<bool> closing_{false};
  napi_threadsafe_function wake_ = nullptr;
  ControlStart control_start_;
  // The last collection of at least that kind that was completed.  Release; partner: Completed, after collections_ended().
  static constexpr uint32_t kKinds = 3;
  std::atomic<uint32_t> completed_[kKinds] = {};
  // Relaxed: hints.
  std::atomic<uint32_t> trigger_{~0u};
  std::atomic<uint32_t> alarm_{~0u};
  uint32_t attaching_ = 0;
  bool requested_ = false;
  Request request_;
};

}  // namespace faultline
