// Pinning: pins as JavaScript holds them, each an ArrayBuffer over a mapping of the object's pages.
//
//     held ──ReleasePin──▶ released ──ArrayBuffer collected, backing store freed──▶ gone
//
//   state      the object   the mapping               the ArrayBuffer
//   held       pinned       shows the object          attached (or its contents were moved to another one)
//   released   not pinned   inaccessible, or zeros    detached
//   gone                    unmapped                  collected
//
// At the limit of mappings the system may refuse to remove the object from the mapping.  Then the object stays pinned until the pin is
// gone: code that still has the address sees this object and no other.
//
// A pin is released by the program, by the end of its mutator, or when the ArrayBuffer is no longer reachable; always on the mutator's
// thread.
//
// V8 and Node may hold the address longer than the pin: a read that is under way holds the ArrayBuffer, and an ArrayBuffer that its program
// has transferred lives on in another one.  So there are two holders: the ArrayBuffer and its backing store.
#pragma once

#include <napi.h>

#include <list>
#include <memory>

#include "heap/pins.h"
#include "os/pinned_mapping.h"

namespace faultline {

class HeapInstance;
struct MutatorBinding;

struct PinBinding {
  MutatorBinding* mutator = nullptr;       // Null once released.
  std::list<PinBinding*>::iterator place;  // In the mutator's list.
  Pins::Pin pin;
  std::shared_ptr<HeapInstance> pinned_until_gone;  // Set if the pin was released but its mapping still shows the object.
  PinnedMapping mapping;
  napi_ref buffer = nullptr;  // Weak.
  int holders = 0;
};

// `in_javascript`: the thread still runs JavaScript, so the ArrayBuffer has to be detached.
void ReleasePin(napi_env env, PinBinding* pin, bool in_javascript);

}  // namespace faultline
