#include "heap/mutator.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "heap/heap.h"

namespace faultline {

namespace {

// initial-exec: the fault handler reads it, and the general model may allocate on a thread's first access.
__attribute__((tls_model("initial-exec"))) thread_local Mutator* mutators_of_thread = nullptr;

}  // namespace

Mutator* CurrentMutator(const Heap* heap) {
  for (Mutator* mutator = mutators_of_thread; mutator != nullptr; mutator = mutator->next_of_thread) {
    if (mutator->heap == heap) return mutator;
  }
  return nullptr;
}

void BindToThread(Mutator* mutator) {
  mutator->thread = static_cast<uint32_t>(syscall(SYS_gettid));
  mutator->heap->threads.Add(mutator->thread, mutator);
  mutator->next_of_thread = mutators_of_thread;
  mutators_of_thread = mutator;
}

void UnbindFromThread(Mutator* mutator) {
  mutator->heap->threads.Remove(mutator->thread);
  for (Mutator** link = &mutators_of_thread; *link != nullptr; link = &(*link)->next_of_thread) {
    if (*link != mutator) continue;
    *link = mutator->next_of_thread;
    return;
  }
}

}  // namespace faultline
