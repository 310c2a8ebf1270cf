// Machine: what the kernel says of itself and of the memory that there is.
#pragma once

#include <cstdint>
#include <string>

namespace faultline {

struct Machine {
  // Empty, or 0, where the kernel does not tell.
  std::string kernel;
  std::string architecture;
  uint64_t memory_bytes = 0;
  uint32_t page_bytes = 0;
};

Machine ReadMachine();

}  // namespace faultline
