#include "os/machine.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace faultline {

Machine ReadMachine() {
  Machine machine;
  utsname name;
  if (uname(&name) == 0) {
    machine.kernel = name.release;
    machine.architecture = name.machine;
  }
  struct sysinfo memory;
  if (sysinfo(&memory) == 0) machine.memory_bytes = uint64_t{memory.totalram} * memory.mem_unit;
  machine.page_bytes = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  return machine;
}

}  // namespace faultline
