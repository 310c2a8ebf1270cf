// Pinning: pins as JavaScript holds them: an ArrayBuffer over a mapping of the object's pages.
//
//     held ──ReleasePin──▶ released ──ArrayBuffer collected, backing store freed──▶ gone
//
//   state      the object   the mapping               the ArrayBuffer
//   held       pinned       shows the object          attached (or its contents were moved to another one)
//   released   as any       inaccessible, or zeros    detached
//   gone                    unmapped                  collected
//
// A process at its limit of mappings may be refused to take the object out of the mapping.  Then it stays pinned until the pin is gone:
// whoever still has the address sees this object and no other.
//
// Released by the program, by the mutator's end, or when nobody has the ArrayBuffer any more.  All of it on the mutator's thread.
//
// V8 and Node may hold the address longer than the pin: a read that is under way holds the ArrayBuffer, an ArrayBuffer that its
// program has transferred lives on in another one.  Two holders, then: the ArrayBuffer and its backing store.
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
  std::list<PinBinding*>::iterator place;  // Among the mutator's.
  Pins::Pin pin;
  std::shared_ptr<HeapInstance> pinned_until_gone;  // Of a released one whose mapping still shows the object.
  PinnedMapping mapping;
  napi_ref buffer = nullptr;  // Weak.
  int holders = 0;
};

// `in_javascript`: the thread still runs JavaScript, so that the ArrayBuffer has to be detached.
void ReleasePin(napi_env env, PinBinding* pin, bool in_javascript);

}  // namespace faultline
