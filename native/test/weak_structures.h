// WeakStructures: weak references, weak maps and finalizers as a native test uses them, on a TestMutator.
#pragma once

#include "heap/finalizers.h"
#include "heap/weak_access.h"
#include "heap/weak_map.h"
#include "test_heap.h"

namespace faultline::test {

struct WeakShapes {
  explicit WeakShapes(TestHeap* test)
      : weak(test->DefineShape(0, 0, ElementKind::kWeak, 2)),
        map(test->DefineShape(1, 1)),
        table(test->DefineShape(0, 0, ElementKind::kEphemeron, 3)),
        waiting(test->DefineShape(0, 0, ElementKind::kFinalizable, 2)),
        kept(test->DefineShape(0, 0, ElementKind::kReference, 2)),
        node(test->DefineShape(1, 1)) {}
  ShapeId weak;  // An array of weak references.
  ShapeId map;
  ShapeId table;
  ShapeId waiting;  // The arrays of finalizers.
  ShapeId kept;
  ShapeId node;  // A reference; an identity.
};

class WeakStructures {
 public:
  WeakStructures(TestHeap* test, TestMutator* mutator, const WeakShapes& shapes, uint32_t scratch_handle)
      : test_(test), mutator_(mutator), shapes_(shapes), scratch_(scratch_handle) {}

  WordIndex NewNode(uint64_t identity) {
    const WordIndex node = mutator_->Allocate(shapes_.node);
    EXPECT(node != 0);
    mutator_->words(node)[2] = identity;
    return node;
  }
  uint64_t IdentityOf(WordIndex node) {
    EXPECT(mutator_->slots(node)[0] == shapes_.node);
    return mutator_->words(node)[2];
  }

  WordIndex Read(WordIndex array, uint32_t index) { return ReadWeak(test_->heap, mutator_->mutator(), &mutator_->reference(array, index)); }

  // `map` and `key` are handles; a safepoint.  The value is taken from a handle, or 0.
  void Set(uint32_t map, uint32_t key, uint32_t value) {
    for (;;) {
      uint32_t wanted = 0;
      const WeakMapAnswer answer = WeakMapSet(test_->heap, mutator_->mutator(), mutator_->handle(map), mutator_->handle(key),
                                              value == 0 ? 0 : mutator_->handle(value), &wanted);
      if (answer == WeakMapAnswer::kDone) return;
      if (answer == WeakMapAnswer::kTableNeeded) {
        mutator_->handle(scratch_) = mutator_->Allocate(shapes_.table, wanted);
        EXPECT(mutator_->handle(scratch_) != 0);
        while (WeakMapInstall(test_->heap, mutator_->mutator(), mutator_->handle(map), mutator_->handle(scratch_)) ==
               WeakMapAnswer::kContended) {
          Rest();
        }
        mutator_->handle(scratch_) = 0;
        continue;
      }
      EXPECT(answer == WeakMapAnswer::kContended);
      Rest();
    }
  }

  // Whether it is there.  A safepoint.
  bool Get(uint32_t map, uint32_t key, uint32_t* value) {
    for (;;) {
      const WeakMapAnswer answer = WeakMapGet(test_->heap, mutator_->mutator(), mutator_->handle(map), mutator_->handle(key), value);
      if (answer != WeakMapAnswer::kContended) return answer == WeakMapAnswer::kDone;
      Rest();
    }
  }

  bool Delete(uint32_t map, uint32_t key) {
    for (;;) {
      const WeakMapAnswer answer = WeakMapDelete(test_->heap, mutator_->mutator(), mutator_->handle(map), mutator_->handle(key));
      if (answer != WeakMapAnswer::kContended) return answer == WeakMapAnswer::kDone;
      Rest();
    }
  }

  // A safepoint.
  void FinalizeLater(uint32_t handle, double token) {
    Heap& heap = test_->heap;
    while (!heap.finalizers.Add(heap, mutator_->mutator(), mutator_->handle(handle), token)) {
      mutator_->handle(scratch_) = mutator_->Allocate(shapes_.waiting, Finalizers::kEntries);
      const WordIndex kept = mutator_->Allocate(shapes_.kept, Finalizers::kEntries);
      EXPECT(kept != 0);
      heap.finalizers.AddChunk(mutator_->handle(scratch_), kept);
      mutator_->handle(scratch_) = 0;
    }
  }

  bool Take(double* token, WordIndex* object) { return test_->heap.finalizers.Take(test_->heap, &mutator_->mutator(), token, object); }

 private:
  void Rest() {
    mutator_->Park();
    SleepMs(0);
    mutator_->Unpark();
  }

  TestHeap* test_;
  TestMutator* mutator_;
  WeakShapes shapes_;
  uint32_t scratch_;
};

}  // namespace faultline::test
