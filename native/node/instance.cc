#include "node/instance.h"

#include <algorithm>
#include <unordered_map>

#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

namespace {

struct Registry {
  Lock lock;
  uint32_t next_id = 1;
  std::unordered_map<uint32_t, std::weak_ptr<HeapInstance>> instances;
};

// Never destroyed: worker threads may outlive static destructors.
Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

}  // namespace

Result<std::shared_ptr<HeapInstance>> HeapInstance::Create(const Heap::Options& heap_options, const Collector::Options& collector_options) {
  Registry& registry = TheRegistry();
  uint32_t id;
  {
    const LockGuard guard(registry.lock);
    id = registry.next_id++;
  }
  // Without the lock, because an instance that cannot be opened is destroyed again, and its destructor takes the lock.
  std::shared_ptr<HeapInstance> instance(new HeapInstance(id));
  if (Status status = instance->heap.Create(heap_options); !status.ok()) return status.error();
  instance->collector = std::make_unique<Collector>(&instance->heap, collector_options);
  if (Status status = instance->collector->Open(); !status.ok()) return status.error();
  const LockGuard guard(registry.lock);
  registry.instances[id] = instance;
  return instance;
}

std::shared_ptr<HeapInstance> HeapInstance::Find(uint32_t id) {
  Registry& registry = TheRegistry();
  const LockGuard guard(registry.lock);
  const auto found = registry.instances.find(id);
  return found == registry.instances.end() ? nullptr : found->second.lock();
}

HeapInstance::~HeapInstance() {
  Registry& registry = TheRegistry();
  {
    const LockGuard guard(registry.lock);
    registry.instances.erase(id);
  }
  if (collector != nullptr) collector->Close();
}

uint32_t HeapInstance::BeginClose(uint32_t own) {
  const LockGuard guard(lock_);
  // A thread that is attaching may be counted among the attached already: then the result is one too high.
  const uint32_t others = heap.handshake.count() + attaching_ - own;
  if (others == 0) closing_.store(true, std::memory_order_release);
  return others;
}

bool HeapInstance::BeginAttach() {
  const LockGuard guard(lock_);
  if (closing()) return false;
  ++attaching_;
  return true;
}

void HeapInstance::EndAttach() {
  const LockGuard guard(lock_);
  --attaching_;
}

void HeapInstance::Close() {
  const LockGuard guard(lock_);
  if (closed()) return;
  FAULTLINE_CHECK(closing() && wake_ == nullptr && heap.handshake.count() == 0, "a heap is closed when no thread uses it",
                  heap.handshake.count());
  closed_.store(true, std::memory_order_release);
  collector->Close();
  heap.views.Close();
  heap.file.Close();
}

bool HeapInstance::AttachControl(napi_threadsafe_function wake) {
  const LockGuard guard(lock_);
  if (wake_ != nullptr || closing()) return false;
  wake_ = wake;
  control_start_.Attached();
  if (requested_) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  return true;
}

void HeapInstance::DetachControl() {
  // A control thread that ends while it waits for mutators must not leave them stopped.  This comes before another thread can take control,
  // so that it never resumes a pause of that one.
  heap.handshake.Resume();
  DelayAt(DelayPoint::kControlResumed);
  const LockGuard guard(lock_);
  wake_ = nullptr;
  if (!closing()) control_start_.Detached(NowNs());
}

bool HeapInstance::InControl() {
  const LockGuard guard(lock_);
  return wake_ != nullptr;
}

bool HeapInstance::NeedsControl() {
  const LockGuard guard(lock_);
  return wake_ == nullptr && !closing() && control_start_.IsDue(NowNs());
}

HeapInstance::Control HeapInstance::ClaimControl(uint32_t* claim) {
  const LockGuard guard(lock_);
  if (wake_ != nullptr) return Control::kAttached;
  // The heap is being closed: no control thread will come, and none is needed.
  if (closing()) return Control::kStarting;
  switch (control_start_.Claim(NowNs())) {
    case ControlStart::State::kWait:
      return Control::kStarting;
    case ControlStart::State::kGivenUp:
      return Control::kGivenUp;
    case ControlStart::State::kClaimed:
      *claim = control_start_.number();
      return Control::kClaimed;
  }
  return Control::kStarting;
}

void HeapInstance::NoteControlStarted(uint32_t claim) {
  const LockGuard guard(lock_);
  if (wake_ == nullptr) control_start_.NoteThreads(claim);
}

void HeapInstance::NoteControlFailed(uint32_t claim, bool final, const std::string& reason) {
  const LockGuard guard(lock_);
  control_start_.Fail(claim, final, reason, NowNs());
}

void HeapInstance::AbandonClaim(uint32_t claim) {
  const LockGuard guard(lock_);
  control_start_.Abandon(claim);
}

std::string HeapInstance::ControlFailure() {
  const LockGuard guard(lock_);
  return control_start_.reason();
}

void HeapInstance::NoteCollectionEnds(uint32_t kind) {
  const LockGuard guard(lock_);
  control_start_.Works();
  for (uint32_t i = 0; i <= std::min(kind, kKinds - 1); ++i)
    completed_[i].store(collector->collections_ended() + 1, std::memory_order_release);
}

void HeapInstance::CheckTrigger(const Request& request) {
  const uint32_t charged = heap.regions.charged();
  // The thread that clears the trigger sends the request.
  const auto fires = [charged](std::atomic<uint32_t>& at) {
    uint32_t regions = at.load(std::memory_order_relaxed);
    return charged >= regions && at.compare_exchange_strong(regions, ~0u, std::memory_order_relaxed);
  };
  if (fires(trigger_)) RequestCollection(request);
  if (fires(alarm_)) {
    const LockGuard guard(lock_);
    if (wake_ != nullptr) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }
}

uint32_t HeapInstance::RequestCollection(const Request& request) {
  const LockGuard guard(lock_);
  if (!requested_ || request.kind > request_.kind) request_ = request;
  requested_ = true;
  if (wake_ != nullptr) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  return collector->collections_begun() + 1;
}

bool HeapInstance::TakeRequest(Request* request) {
  const LockGuard guard(lock_);
  if (!requested_) return false;
  requested_ = false;
  *request = request_;
  // Under the lock: a request from now on gets the ticket of the next collection.
  collector->BeginCollection();
  return true;
}

}  // namespace faultline
