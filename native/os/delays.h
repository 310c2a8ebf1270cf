// Delays: named points at which a thread may be made to lose its CPU while all others go on, so that tests can produce rare interleavings.
// When they are off, a point costs one relaxed load.
//
// A seed makes the waits random, so that a soak test meets many interleavings.  A hook produces one particular interleaving: it is called
// at each point, and does what other threads would do while the thread at that point has no CPU.
#pragma once

#include <cstdint>

namespace faultline {

enum class DelayPoint : uint8_t {
  kClaimed,
  kBuilt,
  kBeforeShow,
  kShown,  // Pages were shown, but their states do not say so yet.
  kGateEntered,
  kFaultRead,     // The service of a fault has read its page's state.
  kBeforeArming,  // The flip has taken the page tables away, but touches are not held yet.
  kBeforeDisarm,
  kBeforeRoots,
  kRefill,
  kTracing,
  kClearing,
  kTakingBack,      // A wait returns: some of the thread's mutators run, others do not yet.
  kControlResumed,  // A control thread that ends has resumed the mutators, but is still in control.
  kClearingPair,    // A dead key was found, and its pair is unchanged.
  kRootFound,       // A pause has read a reference from a root, but has not copied or rewritten it yet.
  kTimeAdded,       // A timeline has written an entry, and is about to count it.
  kReadingWeak,     // A guarded read of a weak slot is about to load it …
  kWeakRead,        // … has loaded it, but not tested yet whether the object was found alive.
  kRangeFound,      // A handler has found the heap of an address, but not read the rest of its entry.
  kHeldUp,          // A thread whose change a pause has refused is about to sleep until the pause ends.
  kActionReplaced,  // Our handler is about to replace the action that was read.
};

// 0 switches the waits off.
void SetDelaySeed(uint64_t seed);

// Null removes the hook.  It may be called by several threads at once, some of them in signal handlers.
using DelayHook = void (*)(DelayPoint point);
void SetDelayHook(DelayHook hook);

// With a seed, waits for 0 to about 200 us, depending on the seed, the point and how often it was reached.
// Async-signal-safe.
void DelayAt(DelayPoint point);

}  // namespace faultline
