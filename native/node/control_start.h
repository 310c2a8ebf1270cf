// Control start: who starts a heap's control thread, and whether the thread that was started still lives.
//
//     nobody ──Claim──▶ claimed ──NoteThreads──▶ starting ──Attached──▶ in control ──Detached──▶ nobody
//       ▲                  └──────────┬─────────────┘                                    (a failure, unless the heap is being closed)
//       └── Fail, Abandon, or its ────┘
//           thread is gone
//
// Time says little about a thread that has not come yet: on a busy machine one may need many seconds.  So a claim lasts as long as the
// thread that was started for it lives, and the kernel is asked about that; a minute at most, for one that hangs.  Threads that came into
// being between Claim and NoteThreads are the candidates, the one that was started among them; when all of them are gone, it is.
//
// Failures are counted until a collection has ended as it should.  After kMostFailures in a row nobody starts a thread for a while, and
// whoever waits is told so.  The caller of everything here holds the instance's lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "os/threads.h"

namespace faultline {

class ControlStart {
 public:
  static constexpr uint32_t kMostFailures = 3;
  static constexpr uint64_t kPauseNs = 200'000'000;        // From a failure to the next try,
  static constexpr uint64_t kLongPauseNs = 2'000'000'000;  // and from the last of a row.
  static constexpr uint64_t kUnknownNs = 20'000'000'000;   // For a claim whose threads are not known,
  static constexpr uint64_t kHungNs = 60'000'000'000;      // and for any.

  enum class State { kWait, kGivenUp, kClaimed };

  // Whether Claim has another answer than kWait.
  bool IsDue(uint64_t now_ns) const {
    if (claimed_) return !Lives(now_ns);
    return failures_ == 0 || failures_ >= kMostFailures || now_ns - failed_ns_ >= kPauseNs;
  }

  State Claim(uint64_t now_ns) {
    if (claimed_) {
      if (Lives(now_ns)) return State::kWait;
      CountFailure(now_ns);
    }
    const uint64_t since_failure_ns = now_ns - failed_ns_;
    if (failures_ >= kMostFailures && since_failure_ns < kLongPauseNs) return State::kGivenUp;
    if (failures_ > 0 && since_failure_ns < kPauseNs) return State::kWait;
    claimed_ = true;
    ++number_;
    claimed_ns_ = now_ns;
    before_ = ThreadsOfProcess();
    candidates_.clear();
    known_ = false;
    return State::kClaimed;
  }
  // Of the last claim.
  uint32_t number() const { return number_; }

  void NoteThreads(uint32_t number) {
    if (!claimed_ || number != number_) return;
    std::ranges::set_difference(ThreadsOfProcess(), before_, std::back_inserter(candidates_));
    known_ = !before_.empty();
  }

  // `final`: another try would fail as well.  The reason is for people; a claim that is over has only that.
  void Fail(uint32_t number, bool final, const std::string& reason, uint64_t now_ns) {
    reason_ = reason;
    if (claimed_ && number == number_) CountFailure(now_ns);
    if (final) failures_ = std::max(failures_, kMostFailures);
  }

  // The claimant's thread ends, and with it the one that it started.
  void Abandon(uint32_t number) {
    if (number == number_) claimed_ = false;
  }

  void Attached() { claimed_ = false; }
  // The control thread ended, and nobody had asked for that.
  void Detached(uint64_t now_ns) { CountFailure(now_ns); }
  // A collection has ended as it should.
  void Works() {
    failures_ = 0;
    reason_.clear();
  }

  const std::string& reason() const { return reason_; }

 private:
  bool Lives(uint64_t now_ns) const {
    const uint64_t age_ns = now_ns - claimed_ns_;
    if (!known_) return age_ns < kUnknownNs;
    return age_ns < kHungNs && std::ranges::any_of(candidates_, ThreadLives);
  }

  void CountFailure(uint64_t now_ns) {
    claimed_ = false;
    ++failures_;
    failed_ns_ = now_ns;
  }

  bool claimed_ = false;
  uint32_t number_ = 0;
  uint64_t claimed_ns_ = 0;
  std::vector<int> before_;
  std::vector<int> candidates_;
  bool known_ = false;
  uint32_t failures_ = 0;
  uint64_t failed_ns_ = 0;
  std::string reason_;
};

}  // namespace faultline
