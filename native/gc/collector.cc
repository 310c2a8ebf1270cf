#include "gc/collector.h"

#include "gc/checking/verification.h"
#include "gc/compaction/load_barrier_phase.h"
#include "heap/allocation.h"
#include "os/clock.h"
#include "os/delays.h"
#include "os/invariant.h"

namespace faultline {

Collector::Collector(Heap* heap, const Options& options)
    : heap_(heap),
      options_(options),
      pages_(heap, {options.fault_mode, options.fault_around_pages, options.verify}),
      marker_(MakeMarker(options.marker, heap)),
      weak_phase_(heap, marker_.get()),
      plan_(heap, TraitsOf(options.fault_mode).copies ? Plan::Targets::kHoles : Plan::Targets::kCommitted) {
  heap->collector_hooks = this;
  heap->references = pages_.load_barrier();
}

Collector::~Collector() { Close(); }

Status Collector::Open() {
  if (options_.delay_seed != 0) SetDelaySeed(options_.delay_seed);
  if (Status status = marker_->Open(); !status.ok()) return status;
  return pages_.Open();
}

void Collector::Close() {
  pages_.Close();
  marker_->Close();
  heap_->collector_hooks = nullptr;
  heap_->references = nullptr;
}

void Collector::Enter(CycleStep step, Phase to) {
  const Phase from = phase();
  FAULTLINE_CHECK(MayEnter(step, from, to, heap_->handshake.stopped()), "kSteps has every change of phase", static_cast<uint64_t>(from),
                  static_cast<uint64_t>(to));
  phase_.store(to, std::memory_order_release);  // Partner: phase(), in checked heaps' mutators and for curiosity.
}

void Collector::EndCollection() {
  collections_ended_.fetch_add(1, std::memory_order_acq_rel);
  heap_->TellMemoryMayBeFree();
}

void Collector::RetireAllTlabs() {
  for (Mutator* mutator : heap_->handshake.mutators()) RetireTlabs(*heap_, *mutator);
}

PauseTimes Collector::EndPause(Histogram* pauses) {
  Handshake& handshake = heap_->handshake;
  const uint64_t stopped_ns = handshake.stopped_ns();
  PauseTimes times;
  times.safepoint_ns = stopped_ns - handshake.requested_ns();
  handshake.Resume();
  times.pause_ns = handshake.resumed_ns() - stopped_ns;
  heap_->statistics.time_to_safepoint.Record(times.safepoint_ns);
  pauses->Record(times.pause_ns);
  return times;
}

bool Collector::IsObject(WordIndex word) const {
  if (word < kPageWords || RegionOf(word) >= heap_->regions.count()) return false;
  // Read the phase first: no flip can happen while the caller runs, and the end of a compaction changes regions before the phase.
  const Phase now = phase();
  const bool flipped = now == Phase::kCompacting || now == Phase::kFinishing;
  const RegionUse use = heap_->regions.use(RegionOf(word));
  if (PageOf(word) % kRegionPages >= use.used_pages && use.state != RegionState::kTarget) return false;
  switch (use.state) {
    case RegionState::kFree:
    case RegionState::kLargeTail:
    case RegionState::kLargePending:
      return false;
    case RegionState::kTarget:
      return flipped;  // Its words may not have been copied yet.
    case RegionState::kSource:
      if (flipped) return false;
      break;
    case RegionState::kLarge:
      if (word != FirstWordOfRegion(RegionOf(word))) return false;
      break;
    case RegionState::kAllocating:
    case RegionState::kLive:
      break;
  }
  return heap_->shapes.IsValid(heap_->HeaderOf(word).shape);
}

bool Collector::VerifyPause(uint64_t limit_ns, uint64_t* objects) {
  if (!heap_->handshake.TryStop(limit_ns)) return false;
  *objects = VerifyHeap(*heap_);
  heap_->handshake.Resume();
  return true;
}

bool Collector::CopyGraphPause(uint64_t limit_ns, const GraphCopy::Options& options, GraphCopy* copy, Status* status, uint64_t* pause_ns) {
  FAULTLINE_CHECK(phase() == Phase::kIdle, "a graph is copied between cycles", static_cast<uint64_t>(phase()));
  if (!heap_->handshake.TryStop(limit_ns)) return false;
  const uint64_t begin_ns = NowNs();
  *status = copy->Take(*heap_, options);
  *pause_ns = NowNs() - begin_ns;
  heap_->handshake.Resume();
  return true;
}

}  // namespace faultline
