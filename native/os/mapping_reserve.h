// Mapping reserve: mappings that are kept for the rest of the process while a program takes as many as the system allows.
//
// V8 compiles a function when it is first called, and ends the process if it gets no memory for that.  So a program that reaches the limit
// of mappings (vm.max_map_count) by taking pins must not be left with none: the reserve is held while pins are taken, and given back at the
// first refusal.  No further pin is made until it can be held again.
//
// One per process.  Any thread; takes a lock, which no thread holds while it serves a fault.
#pragma once

namespace faultline {

class MappingReserve {
 public:
  // False if the system does not give the mappings: the limit is near.
  static bool Hold();
  static void GiveBack();
};

}  // namespace faultline
