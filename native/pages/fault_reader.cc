#include "pages/fault_reader.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/futex.h"

namespace faultline {

namespace {

constexpr uint64_t kStopSliceNs = 10 * kNsPerMs;
constexpr uint64_t kTellSliceNs = 1000 * kNsPerMs;
constexpr uint32_t kFullLookMs = 5;
constexpr uint32_t kEndingLookMs = 20;
// So that what a program does in its own listeners for `exit` comes to its end.
constexpr uint64_t kEndingGraceNs = 100 * kNsPerMs;

}  // namespace

Result<std::shared_ptr<FaultReader>> FaultReader::Start(std::shared_ptr<FaultDescriptor> descriptor, std::function<void()> arrived,
                                                        bool forks_have_events) {
  auto reader = std::make_shared<FaultReader>(std::move(descriptor));
  reader->arrived_ = std::move(arrived);
  reader->has_teller_ = forks_have_events;
  if (Status status = reader->event_.Open(); !status.ok()) return status.error();
  if (Status status = reader->StartThread(&FaultReader::Read); !status.ok()) return status.error();
  if (forks_have_events) {
    if (Status status = reader->StartThread(&FaultReader::Tell); !status.ok()) {
      reader->Stop();
      return status.error();
    }
  }
  return reader;
}

Status FaultReader::StartThread(Body body) {
  // No signal handler of the program may run on this thread: it might touch a page.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  auto* const start = new Thread{shared_from_this(), body};
  const uint32_t started = started_.load(std::memory_order_acquire);
  const int error = pthread_create(&thread, nullptr, Main, start);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    delete start;
    return SysError{error, "pthread_create"};
  }
  pthread_setname_np(thread, "faultline-pages");
  pthread_detach(thread);
  // Once it is through with malloc: this thread may fork next.
  while (started_.load(std::memory_order_acquire) == started) FutexWait(&started_, started, kStopSliceNs);
  return {};
}

void FaultReader::Stop() {
  stop_.store(true, std::memory_order_release);  // Partner: the acquire loads in Read and Tell.
  event_.Signal();
  news_.fetch_add(1, std::memory_order_release);
  FutexWakeAll(&news_);
  // Neither thread waits for JavaScript, so this is short.
  for (;;) {
    const uint32_t ended = ended_.load(std::memory_order_acquire);
    if (ended == started_.load(std::memory_order_acquire)) return;
    FutexWait(&ended_, ended, kStopSliceNs);
  }
}

void FaultReader::EndWith(int exit_code) {
  exit_code_.store(exit_code, std::memory_order_relaxed);
  event_.Signal();
}

void* FaultReader::Main(void* thread) {
  auto* const start = static_cast<Thread*>(thread);
  const auto [reader, body] = std::move(*start);
  delete start;
  reader->started_.fetch_add(1, std::memory_order_release);  // Partner: the acquire load in StartThread.
  FutexWakeAll(&reader->started_);
  (reader.get()->*body)();
  reader->ended_.fetch_add(1, std::memory_order_release);  // Partner: the acquire load in Stop.
  FutexWakeAll(&reader->ended_);
  return nullptr;
}

void FaultReader::Read() {
  bool has_room = true;
  while (!stop_.load(std::memory_order_acquire)) {
    if (exit_code_.load(std::memory_order_relaxed) != kNotEnding) return EndIfWaitedFor();
    // JavaScript does not say when it has made room: that would cost a system call for each message.
    const WakeEvent::Answer answer = event_.WaitFor(has_room ? descriptor_->fd() : -1, has_room ? 0 : kFullLookMs);
    if (answer != WakeEvent::Answer::kReadable && has_room) continue;
    has_room = descriptor_->ReadMessages();
    if (!has_teller_) {
      arrived_();
      continue;
    }
    news_.fetch_add(1, std::memory_order_release);  // Partner: the acquire load in Tell.
    FutexWakeAll(&news_);
  }
}

void FaultReader::Tell() {
  uint32_t told = 0;
  while (!stop_.load(std::memory_order_acquire)) {
    const uint32_t news = news_.load(std::memory_order_acquire);
    if (news != told) arrived_();
    told = news;
    FutexWait(&news_, told, kTellSliceNs);
  }
}

void FaultReader::EndIfWaitedFor() {
  const uint64_t grace = NowNs() + kEndingGraceNs;
  while (!stop_.load(std::memory_order_acquire)) {
    (void)event_.WaitFor(-1, kEndingLookMs);
    if (NowNs() > grace && descriptor_->IsWaitedFor()) _exit(exit_code_.load(std::memory_order_relaxed));
  }
}

}  // namespace faultline
