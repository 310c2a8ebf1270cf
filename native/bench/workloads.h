// Workloads: the native ones by name.
#pragma once

#include <memory>
#include <string>

#include "bench/any_heap/work.h"
#include "bench/native_mutator.h"
#include "bench/parameters.h"

namespace faultline::bench {

// Compiled for the access that the heap's marker and fault mode need.  Null when there is none of that name.
std::unique_ptr<Work> MakeWork(const std::string& name, NativeMutator& mutator, const Parameters& parameters, uint32_t seed);

}  // namespace faultline::bench
