// Region states: what each MiB of the heap is used for, and every legal change.
//
//     free ──take──▶ allocating ──retire──▶ live ──evacuate──▶ source ──recycle──▶ free
//      │                 ▲───────reopen──────┘└──sweep──▶ free
//      ├──reserve──▶ target ──finish──▶ live
//      └──take large──▶ large-pending ──commit──▶ large ──sweep──▶ free
//         (the regions after the first: large-tail ──sweep──▶ free)
//
// Regions::Set refuses changes that kRegionTransitions does not list.  All changes are made under the lock of Regions.
//
// A region that is not free also has a kind.  In a leaf region are only objects of shapes that hold no references of any sort, which are
// *leaves*; in a mixed one may be any object.  A pinnable region is a leaf region whose objects do not move: the small ones that may be
// pinned (heap/pins.h) share it.
//
//   (R)  No object in a leaf region holds references.
//
// So a leaf region is as good as a mixed one for everything, and nobody has to look for references in it: marking does not arm its pages,
// what is written there is not looked at again, and a flip leaves those that stay in the mutator view.
//
//     free ──take──▶ pinnable ──sweep──▶ free
//     free ──take, take large, reserve──▶ leaf ──all that ends at free──▶ free
//      │                                   │ mix: a mutator needs pages for other objects, and no region is free
//      └──take, take large, reserve──▶ mixed ──all that ends at free──▶ free
#pragma once

#include <cstdint>

namespace faultline {

enum class RegionState : uint8_t {
  kFree,
  kAllocating,
  kLive,
  kSource,
  kTarget,
  kLarge,  // First region of a large object; used_pages is 256 if the object continues in the next region.
  kLargeTail,
  kLargePending,  // A large object whose memory is being zeroed: alive, not yet traced.
};
inline constexpr const char* kRegionStateNames[] = {"free",   "allocating", "live",       "source",
                                                    "target", "large",      "large-tail", "large-pending"};
constexpr const char* NameOf(RegionState state) { return kRegionStateNames[static_cast<uint8_t>(state)]; }

enum class RegionKind : uint8_t { kMixed, kLeaf, kPinnable };
inline constexpr uint32_t kRegionKinds = 3;
// (R)
constexpr bool IsLeaf(RegionKind kind) { return kind != RegionKind::kMixed; }

struct RegionTransition {
  const char* operation;
  const char* who;
  RegionState from;
  RegionState to;
  const char* when;
};

inline constexpr RegionTransition kRegionTransitions[] = {
    {"take", "a mutator", RegionState::kFree, RegionState::kAllocating, "the region that is being filled is full"},
    {"reopen", "a mutator", RegionState::kLive, RegionState::kAllocating, "it has pages left that marking has not decided on"},
    {"retire", "a mutator, or the pause that ends marking", RegionState::kAllocating, RegionState::kLive, "full, or marking ends"},
    {"take large", "a mutator", RegionState::kFree, RegionState::kLargePending, "its first region"},
    {"take large", "a mutator", RegionState::kFree, RegionState::kLargeTail, "the others"},
    {"commit", "the same", RegionState::kLargePending, RegionState::kLarge, "its memory is zeroed and it has a header"},
    {"abandon", "the same", RegionState::kLargePending, RegionState::kFree, "there is no memory for it"},
    {"abandon", "the same", RegionState::kLargeTail, RegionState::kFree, "there is no memory for it"},
    {"sweep", "control", RegionState::kLive, RegionState::kFree, "nothing in it is alive"},
    {"sweep", "control", RegionState::kLarge, RegionState::kFree, "the object is dead"},
    {"sweep", "control", RegionState::kLargeTail, RegionState::kFree, "the object is dead"},
    {"reserve", "control", RegionState::kFree, RegionState::kTarget, "a plan is made"},
    {"release", "control", RegionState::kTarget, RegionState::kFree, "the plan needs less, or nothing was copied there"},
    {"evacuate", "control", RegionState::kLive, RegionState::kSource, "the plan stands (T)"},
    {"cancel", "control", RegionState::kSource, RegionState::kLive, "the plan is abandoned before the flip"},
    {"recycle", "control, or a mutator without memory", RegionState::kSource, RegionState::kFree, "every page that reads it is built (F)"},
    {"finish", "control", RegionState::kTarget, RegionState::kLive, "every page of it is built"},
};

constexpr bool MayChange(RegionState from, RegionState to) {
  for (const RegionTransition& row : kRegionTransitions) {
    if (row.from == from && row.to == to) return true;
  }
  return false;
}

}  // namespace faultline
