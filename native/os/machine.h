// Machine: what the kernel reports about itself and about memory.
#pragma once

#include <cstdint>
#include <string>

namespace faultline {

struct Machine {
  // Empty, or 0, if the kernel does not say.
  std::string kernel;
  std::string architecture;
  uint64_t memory_bytes = 0;
  uint32_t page_bytes = 0;
};

Machine ReadMachine();

}  // namespace faultline
