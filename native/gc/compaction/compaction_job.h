// CompactionJob: the pages that have to be built after a flip, handed to the workers chunk by chunk.
//
// Order: pages that roots lead to; young pages (allocated last, so the likeliest to be touched next); targets (building them frees
// sources); pages in place, those of the youngest regions first.
#pragma once

#include <atomic>
#include <vector>

#include "gc/gang.h"
#include "heap/layout.h"

namespace faultline {

class PageService;
class Plan;
class RootPages;

class CompactionJob final : public Job {
 public:
  enum class Showing { kYes, kNo };

  CompactionJob(PageService* pages, const Plan& plan, const RootPages& root_pages, Showing showing);

  bool Run(uint32_t worker, uint64_t deadline_ns) override;
  bool Exhausted() const override;

 private:
  struct Range {
    PageIndex first;
    uint32_t count;
  };

  void AddRange(PageIndex first, uint32_t count);

  PageService* pages_;
  Showing showing_;
  std::vector<Range> chunks_;
  std::atomic<size_t> cursor_{0};
};

}  // namespace faultline
