// Mapping reserve: mappings that are kept for the rest of the process while a program takes as many as the system allows.
//
// V8 compiles a function when it is called first, and ends the process if it gets no memory for that.  So whoever runs into the limit of
// mappings (vm.max_map_count) by taking pins must not be left with none: the reserve is held while pins are taken, and is given back with
// the first refusal.  No further pin is made until it can be held again.
//
// One for the process.  Any thread; takes a lock, which nobody holds who serves a fault.
#pragma once

namespace faultline {

class MappingReserve {
 public:
  // False if the system does not give it: the limit is near.
  static bool Hold();
  static void GiveBack();
};

}  // namespace faultline
