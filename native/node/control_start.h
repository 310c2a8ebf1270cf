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
// whoever waits is told so.  A control thread whose parent ends is no failure, but it ends first: a failure that was inferred from that
// is forgiven when its claimant abandons it, and the last of a row is told of after a pause only.  The caller of everything here holds the
// instance's lock.
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
  static constexpr size_t kMostFailures = 3;
  static constexpr uint64_t kPauseNs = 200'000'000;        // From a failure to the next try,
  static constexpr uint64_t kLongPauseNs = 2'000'000'000;  // and from the last of a row.
  static constexpr uint64_t kUnknownNs = 20'000'000'000;   // For a claim whose threads are not known,
  static constexpr uint64_t kHungNs = 60'000'000'000;      // and for any.

  enum class State { kWait, kGivenUp, kClaimed };

  // Whether Claim has another answer than kWait.
  bool IsDue(uint64_t now_ns) const {
    if (claimed_) return !Lives(now_ns);
    return failures() == 0 || now_ns - failed_ns_ >= kPauseNs || (failures() >= kMostFailures && told_);
  }

  State Claim(uint64_t now_ns) {
    if (claimed_) {
      if (Lives(now_ns)) return State::kWait;
      CountFailure(now_ns, false);
    }
    if (!IsDue(now_ns)) return State::kWait;
    if (failures() >= kMostFailures && now_ns - failed_ns_ < kLongPauseNs) return State::kGivenUp;
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

  // Once for each claim.
  void NoteThreads(uint32_t number) {
    if (!claimed_ || known_ || number != number_) return;
    std::ranges::set_difference(ThreadsOfProcess(), before_, std::back_inserter(candidates_));
    known_ = !before_.empty();
  }

  // `final`: another try would fail as well.  The reason is for people; a claim that is over has only that.
  void Fail(uint32_t number, bool final, const std::string& reason, uint64_t now_ns) {
    reason_ = reason;
    if (claimed_ && number == number_) CountFailure(now_ns, true);
    final_ |= final;
    told_ |= final;
  }

  // The claimant's thread ends, and with it the one that it started.
  void Abandon(uint32_t number) {
    if (number == number_) claimed_ = false;
    std::erase(failed_, number);
  }

  void Attached() { claimed_ = false; }
  // The control thread ended, and nobody had asked for that.
  void Detached(uint64_t now_ns) { CountFailure(now_ns, false); }
  // A collection has ended as it should.
  void Works() {
    failed_.clear();
    final_ = false;
    reason_.clear();
  }

  const std::string& reason() const { return reason_; }

 private:
  bool Lives(uint64_t now_ns) const {
    const uint64_t age_ns = now_ns - claimed_ns_;
    if (!known_) return age_ns < kUnknownNs;
    return age_ns < kHungNs && std::ranges::any_of(candidates_, ThreadLives);
  }

  void CountFailure(uint64_t now_ns, bool told) {
    claimed_ = false;
    failed_.push_back(number_);
    failed_ns_ = now_ns;
    told_ = told;
  }
  size_t failures() const { return final_ ? std::max(failed_.size(), kMostFailures) : failed_.size(); }

  bool claimed_ = false;
  uint32_t number_ = 0;
  uint64_t claimed_ns_ = 0;
  std::vector<int> before_;
  std::vector<int> candidates_;
  bool known_ = false;
  std::vector<uint32_t> failed_;  // Their claims.
  bool final_ = false;
  uint64_t failed_ns_ = 0;  // The last of them; somebody has told it, or it was inferred.
  bool told_ = false;
  std::string reason_;
};

}  // namespace faultline
