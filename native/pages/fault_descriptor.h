// Fault descriptor: userfaultfd as one JavaScript thread uses it, which answers faults of other threads.
//
//     a thread touches ──▶ the kernel's queue ──▶ the reader (fault_reader.h) ──▶ our queue ──▶ JavaScript ──▶ Fill ──▶ it goes on
//                                                       └─▶ the pages that are waited for
//
// Laws, which docs/userfaultfd.md tells programs:
//   a call is never cut off    whoever calls holds the descriptor; the kernel's is closed with the last of them
//   nobody reads a stand-in    a page that is waited for when its range ends is poisoned before the range is unregistered: the kernel would
//                              show what is there, zeros or half of a page (which the program may ask for)
//   who answers never waits    the thread that answers has touched a page itself: nobody would ever answer, so the process ends (abort),
//                              with a sentence
//   no answer is out of date   while an event waits in our queue, fills answer EAGAIN, as the kernel's do while it is unread: what it
//                              says may have made a page's content another
//   who reads allocates not    a thread that forks holds the locks of malloc until its event is read; so ReadMessages, and whatever holds
//                              a lock that it needs, uses no memory but what is here
//   an end is no hang          when JavaScript has ended (process.exit) and threads wait, the process ends with the exit code it was given
//
//   shared                    who                                 how
//   ranges_, waiters_,        any thread                          with lock_
//   events_, faults_
//   the kernel's messages     the reader, and who ends a range    with reading_, so that a message is never between the kernel and our
//                             or fills it                         queue while they look
//   server_, has_events_      written before the reader is        relaxed
//                             started
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "os/lock.h"
#include "os/result.h"
#include "os/userfaultfd_calls.h"

namespace faultline {

class FaultDescriptor {
 public:
  // What becomes of a page that is waited for when its range ends.
  enum class Waited : uint32_t { kPoison, kRelease };

  struct Range {
    uintptr_t start = 0;
    size_t bytes = 0;
    size_t page_bytes = 0;
    uintptr_t end() const { return start + bytes; }
  };

  // Becomes the owner of a raw descriptor, non-blocking.
  explicit FaultDescriptor(int fd) : fd_(fd) { waiters_.reserve(kMostWaiters); }
  ~FaultDescriptor();
  FaultDescriptor(const FaultDescriptor&) = delete;
  FaultDescriptor& operator=(const FaultDescriptor&) = delete;

  // `has_events`: features are requested of which there are other messages than faults.
  Result<UserfaultfdOffer> Handshake(uint64_t api, uint64_t features, bool has_events);

  // The bits of the calls that the kernel offers for the range.
  Result<uint64_t> Register(const Range& range, uint64_t modes);
  // A range of the process to which the descriptor belongs, that is registered already.
  void Adopt(const Range& range);
  // Wakes everybody who waits in the range.  Refused if a page should be poisoned and the kernel (before Linux 6.6) cannot do that: nothing
  // has changed then.
  Status Unregister(const Range& range, Waited waited);
  // The same for all ranges.
  Status UnregisterAll(Waited waited);

  // Walks the range as far as the kernel lets it, and tells what stopped it: the reason that EAGAIN hides comes from one more call.  With
  // `wakes` the threads that wait for what was done go on, and those that wait for a page that was there already (EEXIST).
  FillAnswer Fill(const FillRequest& request, size_t page_bytes, bool wakes);
  Status Wake(uintptr_t start, size_t bytes);

  // From now on a touch by this thread ends the process; 0 for none.
  void AnsweredBy(uint32_t thread) { server_.store(thread, std::memory_order_relaxed); }

  // Moves messages from the kernel to our queue, until there are no more.  False if the queue is full.
  bool ReadMessages();
  // Takes one message from the queue, events before faults.  The descriptor in a fork's message is the caller's from then on.
  bool TakeMessage(abi::Message* into);
  size_t queued();

  // Whether a thread waits for an answer.
  bool IsWaitedFor() const;

  int fd() const { return fd_; }

 private:
  static constexpr size_t kMostQueued = 1024;
  // With more threads that wait, the table grows, and the law above holds no longer.
  static constexpr size_t kMostWaiters = 4096;

  // Messages in the order in which they came.
  class Queue {
   public:
    bool empty() const { return count_ == 0; }
    size_t count() const { return count_; }
    void Push(const abi::Message& message) { messages_[(first_ + count_++) % kMostQueued] = message; }
    abi::Message Pop() {
      const abi::Message message = messages_[first_];
      first_ = (first_ + 1) % kMostQueued;
      --count_;
      return message;
    }

   private:
    std::array<abi::Message, kMostQueued> messages_;
    size_t first_ = 0;
    size_t count_ = 0;
  };

  // A thread that waits for a page, which is given by its first address.
  struct Waiter {
    uint32_t thread;
    uintptr_t page;
  };

  void Note(const abi::Message& message);
  FillAnswer FillHoldingMessages(const FillRequest& request);
  Status PoisonWaited(const Range& range);
  std::vector<Waiter> WaitersIn(const Range& range);
  void Forget(uintptr_t start, size_t bytes);
  size_t PageBytesAt(uintptr_t address) const;

  const int fd_;
  std::atomic<uint32_t> server_{0};
  std::atomic<bool> has_events_{false};
  // No Lock, which is held for a few instructions: this one is held during a call of the kernel.
  std::mutex reading_;
  Lock lock_;
  std::vector<Range> ranges_;
  // One for each thread of which a message came and no answer was given, since a thread waits for one page at a time.  It may wait no more:
  // the page was there before the message was read.
  std::vector<Waiter> waiters_;
  Queue events_;
  Queue faults_;
};

}  // namespace faultline
