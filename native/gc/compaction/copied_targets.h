// CopiedTargets: how target pages are built in the modes that copy, which exist for comparison.  In all other modes a target page is built
// in place through the alias and then shown; here it is built in a staging buffer, and UFFDIO_COPY puts it into a hole of the heap file,
// which also shows it.
#pragma once

#include "gc/compaction/page_building.h"
#include "gc/compaction/staging.h"
#include "gc/faults/fault_mode.h"
#include "heap/heap.h"

namespace faultline {

class CopiedTargets {
 public:
  CopiedTargets(Heap* heap, PageBuilder* page_builder, FaultMode* fault_mode)
      : heap_(heap), page_builder_(page_builder), fault_mode_(fault_mode) {}

  Status Open() { return staging_.Create(); }

  // Builds and shows those target pages of the range that no thread has claimed; true if `wanted` was among them.  Called by any thread
  // inside the gate that holds no claim, fault handlers included.
  bool Build(PageIndex first, uint32_t count, uint32_t cycle, Counter* builder, PageIndex wanted);

 private:
  Heap* heap_;
  PageBuilder* page_builder_;
  FaultMode* fault_mode_;
  Staging staging_;
};

}  // namespace faultline
