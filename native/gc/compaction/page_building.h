// Page building: gives one page its content for the compacting cycle.
//
// Five treatments, decided by what the page's region was at the flip:
//
//   target     copy the live words in, with their references forwarded
//   in place   old objects of a region that stays: forward those references of marked objects that lie on the page
//   young      objects allocated since marking: the same, found by parsing their TLAB from its start
//   large      the part of a large object that lies on the page
//   unchanged  a page of a leaf region that stays: nothing on it refers to anything (R).  Most of them are left in the view
//              (taken_away.h), and have no treatment at all
//
// Every page can be built without reading any page of the mutator view (invariant K): the builder reads sources, metadata and the page
// itself through the alias, nothing else.  Safe in a signal handler: no allocation, no locks, no system calls.
#pragma once

#include <cstdint>

#include "gc/compaction/forwarding.h"
#include "heap/heap.h"
#include "os/invariant.h"

namespace faultline {

enum class Treatment : uint8_t {
  kNone,  // No mutator may touch this page: it is a source, or free.
  kTarget,
  kInPlace,
  kYoung,
  kLarge,
  kUnchanged,
};

// Is told that a target page no longer reads a source; called by any builder, once for each pair of target page and source.
class SourceRelease {
 public:
  virtual ~SourceRelease() = default;
  virtual void SourceRead(RegionIndex source) = 0;
};

class PageBuilder {
 public:
  // While a page in place is built, its slots belong to the builder alone, or mutators may store into them meanwhile.
  enum class Slots { kOurs, kShared };

  explicit PageBuilder(Heap* heap, SourceRelease* release, Slots slots = Slots::kOurs);

  Treatment TreatmentOf(PageIndex page) const;

  // The caller has claimed the page.
  void Build(PageIndex page) { Build(page, heap_->words() + FirstWordOfPage(page)); }
  // The same for a target page, whose content goes to another place.
  void Build(PageIndex page, uint64_t* to) {
    FAULTLINE_CHECK(!heap_->views.InMutatorView(to), "(K) a page is built anywhere but in the mutator view", page);
    building_ = true;
    (this->*build_)(page, to);
    building_ = false;
  }

  // A builder must not fault.  In a signal handler that would end the process, since the signal is blocked there; for workers the handler
  // asks here.
  static bool ThisThreadBuilds() { return building_; }

  // Chosen when the addon is loaded; forced by tests.
  static bool CpuHasPopcnt();
  void UsePopcnt(bool use);

 private:
  // initial-exec: the general model may allocate on a thread's first access.
  __attribute__((tls_model("initial-exec"))) static inline thread_local bool building_ = false;

  template <bool kShared>
  void BuildWith(PageIndex page, uint64_t* to);
  template <bool kShared>
  void BuildPopcnt(PageIndex page, uint64_t* to);
  template <bool kShared>
  void BuildPortable(PageIndex page, uint64_t* to);

  Heap* heap_;
  SourceRelease* release_;
  const Slots slots_;
  Forwarding forwarding_;
  void (PageBuilder::*build_)(PageIndex, uint64_t*);
};

}  // namespace faultline
