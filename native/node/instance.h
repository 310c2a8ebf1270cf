// HeapInstance: one heap of this process, as all JavaScript threads see it.
//
// The registry finds instances by id, so that a token in a message is enough to attach.  Every environment (main thread,
// worker) that uses a heap holds a reference to the instance and to the SharedArrayBuffers under it; when the last
// environment lets go, the mutator view becomes plain memory again before V8 may free it.
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
  // and no new control thread.  The answer is how many mutators are attached besides the caller's `own`; with any, nothing has happened.
  uint32_t BeginClose(uint32_t own);
  // Somebody is about to attach: from here to EndAttach the heap is in use.  False: it is being closed.
  bool BeginAttach();
  void EndAttach();
  // The memory goes back.  BeginClose came before, the caller's mutators are detached, and nobody is in control.
  void Close();
  bool closing() const { return closing_.load(std::memory_order_acquire); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  // --- The control thread --------------------------------------------------------------------------------------------
  // `wake` runs a callback on the control thread's event loop.  False when there is a control thread already, or the heap is being closed.
  bool AttachControl(napi_threadsafe_function wake);
  void DetachControl();
  bool InControl();
  // Whether ClaimControl has another answer than that one is there, or on its way.
  bool NeedsControl();
  enum class Control { kAttached, kStarting, kGivenUp, kClaimed };
  // kClaimed for exactly one caller while nobody is in control or about to be: that caller starts a control thread, and says so.
  Control ClaimControl(uint32_t* claim);
  void NoteControlStarted(uint32_t claim);
  // The thread that was started for that claim, or that got into control by it, has failed.
  void NoteControlFailed(uint32_t claim, bool final, const std::string& reason);
  // The claimant's environment ends, and the control thread it started with it.
  void AbandonClaim(uint32_t claim);
  // Why the last control thread failed; empty if nobody said, or it works.
  std::string ControlFailure();
  // A collection of that kind ends as it should; said before whoever waits for its end is told.
  void NoteCollectionEnds(uint32_t kind);
  // Whether the collection with that number did so, rather than being given up by a control thread that ended.
  bool Completed(uint32_t ticket, uint32_t kind) const {
    // Numbers run around.
    return static_cast<int32_t>(completed_[std::min(kind, kKinds - 1)].load(std::memory_order_acquire) - ticket) >= 0;
  }

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
  bool IsRequested() {
    const LockGuard guard(lock_);
    return requested_;
  }
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

 private:
  explicit HeapInstance(uint32_t id) : id(id) {}

  Lock lock_;  // Attaching, closing, control, requests.
  std::atomic<bool> closed_{false};
  std::atomic<bool> closing_{false};
  napi_threadsafe_function wake_ = nullptr;
  ControlStart control_start_;
  // The last collection of at least that kind that ended as it should.  Release; partner: Completed, after collections_ended().
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
