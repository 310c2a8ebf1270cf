#include "node/pages_environment.h"

namespace faultline {

PagesEnvironment::~PagesEnvironment() {
  while (!descriptors_.empty()) {
    DescriptorBinding* const binding = descriptors_.back().get();
    if (CloseDescriptor(binding, FaultDescriptor::Waited::kPoison).ok()) continue;
    (void)CloseDescriptor(binding, FaultDescriptor::Waited::kRelease).ok();
  }
  while (!mappings_.empty()) (void)CloseMapping(mappings_.back().get()).ok();
}

std::shared_ptr<DescriptorBinding> PagesEnvironment::AddDescriptor(int fd) {
  auto binding = std::make_shared<DescriptorBinding>();
  binding->descriptor = std::make_shared<FaultDescriptor>(fd);
  descriptors_.push_back(binding);
  return binding;
}

Status PagesEnvironment::CloseDescriptor(DescriptorBinding* binding, FaultDescriptor::Waited waited) {
  if (binding->descriptor == nullptr) return {};
  if (Status status = binding->descriptor->UnregisterAll(waited); !status.ok()) return status;
  if (binding->reader != nullptr) binding->reader->Stop();
  if (binding->arrived != nullptr) napi_release_threadsafe_function(binding->arrived, napi_tsfn_abort);
  binding->arrived = nullptr;
  binding->reader.reset();
  binding->descriptor.reset();
  std::erase_if(descriptors_, [binding](const auto& one) { return one.get() == binding; });
  return {};
}

Status PagesEnvironment::CloseMapping(MappingBinding* binding) {
  Status status = binding->mapping.Restore();
  if (status.ok() && binding->buffer != nullptr) {
    napi_delete_reference(env_, binding->buffer);
    binding->buffer = nullptr;
  }
  // One that could not be undone keeps its buffer.
  std::erase_if(mappings_, [binding](const auto& one) { return one.get() == binding; });
  return status;
}

}  // namespace faultline
