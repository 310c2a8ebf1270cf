#include "heap/mutator.h"

#include "heap/heap.h"
#include "heap/thread_state.h"
#include "os/threads.h"

namespace faultline {

Mutator* CurrentMutator(const Heap* heap) {
  for (Mutator* mutator = ThreadState::Current().first(); mutator != nullptr; mutator = mutator->next_of_thread) {
    if (mutator->heap == heap) return mutator;
  }
  return nullptr;
}

void EnterInDirectory(Mutator* mutator) {
  mutator->thread = ThisThread();
  mutator->heap->threads.Add(mutator->thread, mutator);
}

void LeaveDirectory(Mutator* mutator) { mutator->heap->threads.Remove(mutator->thread); }

}  // namespace faultline
