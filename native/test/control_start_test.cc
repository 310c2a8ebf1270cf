// Which thread starts the control thread, and what happens if the new thread never arrives.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "node/control_start.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

using State = ControlStart::State;
constexpr uint64_t kSecond = 1'000'000'000;

void OnlyOneClaims() {
  ControlStart start;
  EXPECT(start.Claim(kSecond) == State::kClaimed);
  EXPECT(start.Claim(kSecond) == State::kWait);
  start.Attached();
  start.Detached(2 * kSecond);
  // Not at once: whatever ended the last one may need a moment.
  EXPECT(start.Claim(2 * kSecond) == State::kWait);
  EXPECT(start.Claim(2 * kSecond + ControlStart::kPauseNs) == State::kClaimed);
  EXPECT(start.number() == 2);
}

// The kernel has a thread for a moment longer than whoever joins it.
void JoinUntilGone(std::thread& thread, const std::atomic<int>& number) {
  thread.join();
  while (ThreadLives(number.load())) usleep(100);
}

void AClaimLastsAsLongAsItsThreadLives() {
  ControlStart start;
  std::atomic<bool> end{false};
  std::atomic<int> number{0};
  EXPECT(start.Claim(kSecond) == State::kClaimed);
  std::thread thread([&] {
    number = static_cast<int>(syscall(SYS_gettid));
    while (!end.load()) usleep(1000);
  });
  start.NoteThreads(start.number());
  // Of those that come later none was started for it.
  std::atomic<bool> end_later{false};
  std::thread later([&] {
    while (!end_later.load()) usleep(1000);
  });
  start.NoteThreads(start.number());
  // However slow it is, but a thread that hangs is given up.
  EXPECT(start.Claim(kSecond + ControlStart::kHungNs - 1) == State::kWait);
  end = true;
  JoinUntilGone(thread, number);
  EXPECT(start.Claim(2 * kSecond) == State::kWait);
  EXPECT(start.Claim(2 * kSecond + ControlStart::kPauseNs) == State::kClaimed);
  end_later = true;
  later.join();
}

void AThreadThatWasGoneBeforeItWasSeenIsGone() {
  ControlStart start;
  EXPECT(start.Claim(kSecond) == State::kClaimed);
  start.NoteThreads(start.number());
  (void)start.Claim(kSecond);
  EXPECT(start.Claim(kSecond + ControlStart::kPauseNs) == State::kClaimed);
}

void AfterSomeFailuresItIsGivenUpForAWhile() {
  ControlStart start;
  uint64_t now = kSecond;
  for (size_t i = 0; i < ControlStart::kMostFailures; ++i) {
    EXPECT(start.Claim(now) == State::kClaimed);
    // Of an earlier claim: only what it says is taken over.
    start.Fail(start.number() - 1, false, "an old story", now);
    EXPECT(start.Claim(now) == State::kWait);
    start.Fail(start.number(), false, "no threads", now);
    now += ControlStart::kPauseNs;
  }
  EXPECT(start.Claim(now) == State::kGivenUp);
  EXPECT(start.reason() == "no threads");
  now += ControlStart::kLongPauseNs;
  EXPECT(start.Claim(now) == State::kClaimed);
  start.Fail(start.number(), false, "no threads", now);
  EXPECT(start.Claim(now) == State::kGivenUp);
  now += ControlStart::kLongPauseNs;
  EXPECT(start.Claim(now) == State::kClaimed);
  start.Attached();
  start.Works();
  start.Detached(now);
  EXPECT(start.Claim(now + ControlStart::kPauseNs) == State::kClaimed);
  EXPECT(start.reason().empty());
}

void WhatNoTryCanMendIsGivenUpAtOnce() {
  ControlStart start;
  EXPECT(start.Claim(kSecond) == State::kClaimed);
  start.Fail(start.number(), true, "forbidden", kSecond);
  EXPECT(start.Claim(kSecond) == State::kGivenUp);
}

void TheEndOfTheClaimantIsNoFailure() {
  ControlStart start;
  EXPECT(start.Claim(kSecond) == State::kClaimed);
  start.Abandon(start.number());
  EXPECT(start.Claim(kSecond) == State::kClaimed);
  // By somebody whose claim is over.
  start.Abandon(start.number() - 1);
  EXPECT(start.Claim(kSecond) == State::kWait);
}

// Threads that come and go, each the parent of a control thread for a while: the child ends first.
void TheEndOfTheClaimantIsNoFailureOfWhatItHasStarted() {
  for (const bool attached : {true, false}) {
    ControlStart start;
    uint64_t now = kSecond;
    for (size_t i = 0; i < 2 * ControlStart::kMostFailures; ++i) {
      EXPECT(start.Claim(now) == State::kClaimed);
      start.NoteThreads(start.number());
      if (attached) {
        start.Attached();
        start.Detached(now);
      }
      // Somebody else looks before the parent has come to its end.
      EXPECT(start.Claim(now) == State::kWait && !start.IsDue(now));
      start.Abandon(start.number());
      EXPECT(start.IsDue(now));
    }
    // Without that it is given up, and not at once.
    for (size_t i = 0; i < ControlStart::kMostFailures; ++i) {
      EXPECT(start.Claim(now) == State::kClaimed);
      start.Attached();
      start.Detached(now);
      EXPECT(start.Claim(now) == State::kWait);
      now += ControlStart::kPauseNs;
    }
    EXPECT(start.Claim(now) == State::kGivenUp);
  }
}

void AThreadIsKnownByItsNumberWhileItLives() {
  std::atomic<int> number{0};
  std::atomic<bool> end{false};
  std::thread thread([&] {
    number = static_cast<int>(syscall(SYS_gettid));
    while (!end.load()) usleep(1000);
  });
  while (number == 0) usleep(1000);
  EXPECT(ThreadLives(number) && std::ranges::binary_search(ThreadsOfProcess(), number.load()));
  end = true;
  JoinUntilGone(thread, number);
  EXPECT(!ThreadLives(number) && !std::ranges::binary_search(ThreadsOfProcess(), number.load()));
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  std::thread([] {}).join();  // With the first one ThreadSanitizer starts one of its own, which stays.
  OnlyOneClaims();
  AClaimLastsAsLongAsItsThreadLives();
  AThreadThatWasGoneBeforeItWasSeenIsGone();
  AfterSomeFailuresItIsGivenUpForAWhile();
  WhatNoTryCanMendIsGivenUpAtOnce();
  TheEndOfTheClaimantIsNoFailure();
  TheEndOfTheClaimantIsNoFailureOfWhatItHasStarted();
  AThreadIsKnownByItsNumberWhileItLives();
  return 0;
}
