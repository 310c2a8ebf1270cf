#include "pages/fault_reader.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/futex.h"

namespace faultline {

namespace {

constexpr uint64_t kStopSliceNs = 10 * kNsPerMs;
constexpr uint32_t kFullLookMs = 5;
constexpr uint32_t kEndingLookMs = 20;
// So that what a program does in its own listeners for `exit` comes to its end.
constexpr uint64_t kEndingGraceNs = 100 * kNsPerMs;

}  // namespace

Result<std::shared_ptr<FaultReader>> FaultReader::Start(std::shared_ptr<FaultDescriptor> descriptor, std::function<void()> arrived) {
  auto reader = std::make_shared<FaultReader>(std::move(descriptor));
  reader->arrived_ = std::move(arrived);
  if (Status status = reader->event_.Open(); !status.ok()) return status.error();

  // No signal handler of the program may run on this thread: it might touch a page.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  auto* const own = new std::shared_ptr<FaultReader>(reader);
  const int error = pthread_create(&thread, nullptr, Main, own);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    delete own;
    return SysError{error, "pthread_create"};
  }
  pthread_setname_np(thread, "faultline-pages");
  pthread_detach(thread);
  return reader;
}

void FaultReader::Stop() {
  stop_.store(true, std::memory_order_release);  // Partner: the acquire load in Run.
  event_.Signal();
  // The reader waits for nobody, so this is short.
  while (ended_.load(std::memory_order_acquire) == 0) FutexWait(&ended_, 0, kStopSliceNs);
}

void FaultReader::EndWith(int exit_code) {
  exit_code_.store(exit_code, std::memory_order_relaxed);
  event_.Signal();
}

void* FaultReader::Main(void* self) {
  auto* const own = static_cast<std::shared_ptr<FaultReader>*>(self);
  const std::shared_ptr<FaultReader> reader = std::move(*own);
  delete own;
  reader->Run();
  reader->ended_.store(1, std::memory_order_release);  // Partner: the acquire load in Stop.
  FutexWakeAll(&reader->ended_);
  return nullptr;
}

void FaultReader::Run() {
  bool has_room = true;
  while (!stop_.load(std::memory_order_acquire)) {
    if (exit_code_.load(std::memory_order_relaxed) != kNotEnding) return EndIfWaitedFor();
    // JavaScript does not say when it has made room: that would cost a system call for each message.
    const WakeEvent::Answer answer = event_.WaitFor(has_room ? descriptor_->fd() : -1, has_room ? 0 : kFullLookMs);
    if (answer == WakeEvent::Answer::kReadable || !has_room) {
      has_room = descriptor_->ReadMessages();
      arrived_();
    }
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
