// CopiedTargets: how target pages come about in the modes that copy, which are there to be measured against.  Everywhere else a target
// page is built through the alias, where it belongs, and then shown; here it is built in a staging buffer, and UFFDIO_COPY fills a hole of
// the heap file with it, which shows it too.
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

  // Builds and shows the target pages of the range that nobody has claimed; true if `wanted` was among them.  Any thread inside the gate
  // that holds no claim, fault handlers included.
  bool Build(PageIndex first, uint32_t count, uint32_t cycle, Counter* builder, PageIndex wanted);

 private:
  Heap* heap_;
  PageBuilder* page_builder_;
  FaultMode* fault_mode_;
  Staging staging_;
};

}  // namespace faultline
