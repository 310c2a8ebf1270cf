// Pages environment: what one JavaScript thread holds of the page interface, and how it ends with the thread.
//
//                       ended by JavaScript                         the thread ends first
//   descriptor          as it says: poison what is waited for       poisoned
//   mapping             the buffer has plain pages again            the same, after all descriptors
//
// An external holds its binding too, so that JavaScript may keep it after the end; what is open is also listed here.
#pragma once

#include <napi.h>

#include <list>
#include <memory>

#include "os/placed_mapping.h"
#include "pages/fault_descriptor.h"
#include "pages/fault_reader.h"

namespace faultline {

// A descriptor of this thread.
struct DescriptorBinding {
  std::shared_ptr<FaultDescriptor> descriptor;  // Null once it is closed.
  std::shared_ptr<FaultReader> reader;          // Null unless it was started.
  napi_threadsafe_function arrived = nullptr;
};

// Memory in the place of a part of a SharedArrayBuffer.
struct MappingBinding {
  PlacedMapping mapping;
  napi_ref buffer = nullptr;  // V8 must not free it while something else is mapped in its place.
};

class PagesEnvironment {
 public:
  explicit PagesEnvironment(napi_env env) : env_(env) {}
  ~PagesEnvironment();
  PagesEnvironment(const PagesEnvironment&) = delete;
  PagesEnvironment& operator=(const PagesEnvironment&) = delete;

  std::shared_ptr<DescriptorBinding> AddDescriptor(int fd);
  // Refused, with nothing changed, if a page cannot be poisoned (FaultDescriptor::Unregister).
  Status CloseDescriptor(DescriptorBinding* binding, FaultDescriptor::Waited waited);

  void AddMapping(std::shared_ptr<MappingBinding> mapping) { mappings_.push_back(std::move(mapping)); }
  Status CloseMapping(MappingBinding* binding);

 private:
  napi_env env_;
  std::list<std::shared_ptr<DescriptorBinding>> descriptors_;
  std::list<std::shared_ptr<MappingBinding>> mappings_;
};

}  // namespace faultline
