// Control start: which thread starts a heap's control thread, and whether the thread that was started still lives.
//
//     nobody ──Claim──▶ claimed ──NoteThreads──▶ starting ──Attached──▶ in control ──Detached──▶ nobody
//       ▲                  └──────────┬─────────────┘                                    (a failure, unless the heap is being closed)
//       └── Fail, Abandon, or its ────┘
//           thread is gone
//
// Time says little about a thread that has not reported yet: on a busy machine it may need many seconds.  So a claim lasts as long as the
// thread that was started for it lives, which the kernel is asked, but at most a minute, in case the thread hangs.  Threads created between
// Claim and NoteThreads are the candidates, and the one that was started is among them; when all of them are gone, so is that one.
//
// Failures are counted until a collection was completed.  After kMostFailures in a row no thread starts one for a while, and waiting
// threads get an error.  If a control thread ends because its parent ends, that is not a failure, but the control thread ends first: a
// failure inferred from that is forgiven when its claimant abandons the claim, and the last of a row is reported only after a delay.  The
// caller of all functions here holds the instance's lock.
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
  static constexpr uint64_t kLongPauseNs = 2'000'000'000;  // and from the last failure of a row.
  static constexpr uint64_t kUnknownNs = 20'000'000'000;   // For a claim whose threads are not known,
  static constexpr uint64_t kHungNs = 60'000'000'000;      // and for any claim.

  enum class State { kWait, kGivenUp, kClaimed };

  // Whether Claim would return something other than kWait.
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
  // The number of the last claim.
  uint32_t number() const { return number_; }

  // Once for each claim.
  void NoteThreads(uint32_t number) {
    if (!claimed_ || known_ || number != number_) return;
    std::ranges::set_difference(ThreadsOfProcess(), before_, std::back_inserter(candidates_));
    known_ = !before_.empty();
  }

  // `final`: another try would fail too.  The reason is for people; for a claim that is over, only the reason is recorded.
  void Fail(uint32_t number, bool final, const std::string& reason, uint64_t now_ns) {
    reason_ = reason;
    if (claimed_ && number == number_) CountFailure(now_ns, true);
    final_ |= final;
    told_ |= final;
  }

  // The claimant's thread ends, and the thread that it started with it.
  void Abandon(uint32_t number) {
    if (number == number_) claimed_ = false;
    std::erase(failed_, number);
  }

  void Attached() { claimed_ = false; }
  // The control thread ended without a request to end.
  void Detached(uint64_t now_ns) { CountFailure(now_ns, false); }
  // A collection was completed.
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
  std::vector<uint32_t> failed_;  // The claims that failed.
  bool final_ = false;
  uint64_t failed_ns_ = 0;  // The last failure, which was reported or inferred.
  bool told_ = false;
  std::string reason_;
};

}  // namespace faultline
