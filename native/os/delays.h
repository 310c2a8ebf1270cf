// Delays: named points at which a thread may lose its CPU and everybody else goes on, so that tests can bring rare interleavings about.
// Off, a point costs one relaxed load.
//
// A seed makes the waits random: a soak meets many interleavings.  A hook makes one of them happen: it is called at each point, and what
// it does is what the world does while the thread that is there has no CPU.
#pragma once

#include <cstdint>

namespace faultline {

enum class DelayPoint : uint8_t {
  kClaimed,
  kBuilt,
  kBeforeShow,
  kShown,  // Pages were shown, and their states do not say so yet.
  kGateEntered,
  kFaultRead,     // A served fault has read its page's state.
  kBeforeArming,  // The flip has taken the page tables away, and touches are not held yet.
  kBeforeDisarm,
  kBeforeRoots,
  kRefill,
  kTracing,
  kClearing,
  kTakingBack,      // A wait comes back: some of the thread's mutators run, others do not yet.
  kControlResumed,  // A control thread that ends has let the mutators run, and is in control still.
  kClearingPair,    // A dead key was found, and its pair is still as it was.
  kRootFound,       // A pause is at a root, which held a reference a moment ago, and has not copied or rewritten it.
  kTimeAdded,       // A timeline gets an entry, and is about to count it.
  kReadingWeak,     // A guarded read of a weak slot is about to load it …
  kWeakRead,        // … has loaded it, and not asked yet whether the object was found alive.
  kRangeFound,      // A handler has found the heap that an address belongs to, and not looked at the rest of its entry.
  kHeldUp,          // A thread that a pause has refused a change is about to sleep until its end.
  kActionReplaced,  // Our handler is about to take the place of the action that was looked at.
};

// 0 switches the waits off.
void SetDelaySeed(uint64_t seed);

// Null takes the hook away.  It may be called by several threads at once, some of them in signal handlers.
using DelayHook = void (*)(DelayPoint point);
void SetDelayHook(DelayHook hook);

// With a seed, waits between nothing and about 200 us, depending on the seed, the point and how often it was reached.
// Async-signal-safe.
void DelayAt(DelayPoint point);

}  // namespace faultline
