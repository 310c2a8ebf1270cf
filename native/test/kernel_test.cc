// Every answer of the kernel that the collector relies on, provoked.  When a kernel answers differently, this test says
// so before a heap goes wrong.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/clock.h"
#include "os/fault_signals.h"
#include "os/memory_file.h"
#include "os/refusals.h"
#include "os/userfaultfd.h"
#include "os/userfaultfd_abi.h"
#include "os/views.h"
#include "test_heap.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef SYS_userfaultfd
#define SYS_userfaultfd 323
#endif

namespace faultline::test {
namespace {

constexpr size_t kPages = 16;
constexpr size_t kBytes = kPages * kPageBytes;

// A raw descriptor with a raw view, so that answers are seen as the kernel gives them.
struct Raw {
  explicit Raw(uint64_t features, uint64_t mode = abi::kRegisterMissing | abi::kRegisterMinor) {
    const int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device >= 0) {
      fd = ioctl(device, abi::kIocNew, O_CLOEXEC | O_NONBLOCK);
      close(device);
    }
    if (fd < 0) fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    if (fd < 0) fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | abi::kUserModeOnly));
    EXPECT(fd >= 0);
    abi::Api api = {abi::kApi, abi::kFeatureMinorShmem | features, 0};
    EXPECT(ioctl(fd, abi::kIocApi, &api) == 0);
    EXPECT(file.Create(kBytes).ok());
    alias = Map();
    view = Map();
    abi::Register request = {{reinterpret_cast<uintptr_t>(view), kBytes}, mode, 0};
    EXPECT(ioctl(fd, abi::kIocRegister, &request) == 0);
  }
  ~Raw() {
    close(fd);
    munmap(view, kBytes);
    munmap(alias, kBytes);
  }
  uint8_t* Map() {
    void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
    EXPECT(mapped != MAP_FAILED);
    return static_cast<uint8_t*>(mapped);
  }
  // errno of the call, 0 for success.
  int Continue(size_t page, size_t count, int64_t* mapped) {
    abi::RangeFill request = {{reinterpret_cast<uintptr_t>(view + page * kPageBytes), count * kPageBytes}, 0, 0};
    const int error = ioctl(fd, abi::kIocContinue, &request) == 0 ? 0 : errno;
    *mapped = request.done;
    return error;
  }
  void Fill(size_t page, size_t count) { memset(alias + page * kPageBytes, 7, count * kPageBytes); }
  int Unregister() {
    abi::Range range = {reinterpret_cast<uintptr_t>(view), kBytes};
    return ioctl(fd, abi::kIocUnregister, &range) == 0 ? 0 : errno;
  }
  int Wake() {
    abi::Range range = {reinterpret_cast<uintptr_t>(view), kBytes};
    return ioctl(fd, abi::kIocWake, &range) == 0 ? 0 : errno;
  }
  // The next message, or false after `ms` without one.
  bool Next(abi::Message* message, int ms) {
    pollfd wait = {fd, POLLIN, 0};
    return poll(&wait, 1, ms) == 1 && read(fd, message, sizeof *message) == sizeof *message;
  }
  int fd = -1;
  MemoryFile file;
  uint8_t* alias = nullptr;
  uint8_t* view = nullptr;
};

void ContinueAnswersAsWeExpect() {
  Raw raw(0);
  int64_t mapped = 0;
  raw.Fill(0, 4);
  EXPECT(raw.Continue(0, 4, &mapped) == 0 && mapped == 4 * int64_t{kPageBytes});
  EXPECT(raw.view[3 * kPageBytes] == 7);
  // Mapped already: EEXIST, and nothing behind it is mapped.
  raw.Fill(4, 2);
  EXPECT(raw.Continue(3, 3, &mapped) == EEXIST && mapped == -EEXIST);
  // Partly mapped before it met a mapped page, or a hole: EAGAIN and how far it came.
  raw.Fill(8, 2);
  EXPECT(raw.Continue(8, 1, &mapped) == 0);
  EXPECT(raw.Continue(4, 5, &mapped) == EAGAIN && mapped == 2 * int64_t{kPageBytes});  // Page 6 is a hole.
  EXPECT(raw.Continue(6, 1, &mapped) == EFAULT && mapped == -EFAULT);
  raw.Fill(6, 1);
  EXPECT(raw.Continue(6, 1, &mapped) == 0);
  raw.Fill(7, 1);
  EXPECT(raw.Continue(7, 3, &mapped) == EAGAIN && mapped == int64_t{kPageBytes});  // Page 8 is mapped.
  EXPECT(raw.Unregister() == 0);
  EXPECT(raw.Continue(9, 1, &mapped) == ENOENT && mapped == -ENOENT);
}

void CopyFillsHolesOnly() {
  Raw raw(0);
  static uint8_t contents[4 * kPageBytes];
  memset(contents, 5, sizeof contents);
  const auto copy = [&](size_t page, size_t count, int64_t* done) {
    abi::Fill request = {};
    request.to = reinterpret_cast<uintptr_t>(raw.view + page * kPageBytes);
    request.from = reinterpret_cast<uintptr_t>(contents);
    request.len = count * kPageBytes;
    const int error = ioctl(raw.fd, abi::kIocCopy, &request) == 0 ? 0 : errno;
    *done = request.done;
    return error;
  };
  int64_t done = 0;
  EXPECT(copy(0, 4, &done) == 0 && done == 4 * int64_t{kPageBytes});
  EXPECT(raw.alias[3 * kPageBytes] == 5 && raw.view[3 * kPageBytes] == 5);  // The page is the file's.
  EXPECT(copy(3, 1, &done) == EEXIST);
  // A page of the file that this view does not show: not missing either, so only UFFDIO_CONTINUE can show it.
  raw.Fill(8, 1);
  EXPECT(copy(8, 1, &done) == EEXIST);
  EXPECT(copy(6, 3, &done) == EAGAIN && done == 2 * int64_t{kPageBytes});
  EXPECT(raw.Continue(8, 1, &done) == 0 && raw.view[8 * kPageBytes] == 7);
  // What was punched is a hole again.
  EXPECT(raw.file.PunchHole(0, kPageBytes).ok());
  EXPECT(copy(0, 1, &done) == 0 && raw.view[0] == 5);
}

void NoPageCanBeMovedIntoAViewOfAFile() {
  const MoveProbe probe = ProbeMove();
  EXPECT(probe.into_shared.error_number == EINVAL || probe.into_shared.error_number == ENOTTY);
  if ((ProbeUserfaultfd().features & abi::kFeatureMove) != 0) EXPECT(probe.between_private.error_number == 0);
  // A kernel without the call, and the mode's own answer.
  ArmRefusal(SystemCall::kMove, ENOTTY, 0, 2);
  EXPECT(ProbeMove().between_private.error_number == ENOTTY);
  ArmRefusal(SystemCall::kMove, 0, 0, 0);
  Heap heap;
  Heap::Options options;
  options.capacity_regions = 2;
  options.reserve_regions = 1;
  EXPECT(heap.Create(options).ok());
  Collector::Options collector_options;
  collector_options.fault_mode = FaultModeKind::kMove;
  Collector collector(&heap, collector_options);
  const Status status = collector.Open();
  EXPECT(!status.ok() && status.error().error_number != 0 && strstr(status.error().call, "MOVE") != nullptr);
}

void TheWrapperGetsThroughAllOfThem() {
  MemoryFile file;
  EXPECT(file.Create(kBytes).ok());
  Views views;
  EXPECT(views.Create(file, nullptr).ok());
  Userfaultfd descriptor;
  EXPECT(descriptor.Open(FaultDelivery::kSignal).ok());
  EXPECT(descriptor.Register(views.mutator_view(), views.span_bytes()).ok());  // The file is shorter than the range.
  uint8_t* const view = views.mutator_view();
  EXPECT(descriptor.Continue(view + 4 * kPageBytes, kPageBytes, views.alias() + 4 * kPageBytes) >= 1);
  views.alias()[7 * kPageBytes] = 1;
  // Holes before, a mapped page and a filled page in between.
  EXPECT(descriptor.Continue(view, kBytes, views.alias()) > 1);
  EXPECT(view[7 * kPageBytes] == 1);
  for (size_t page = 0; page < kPages; ++page) view[page * kPageBytes + 5] = 9;
  descriptor.Unregister(views.mutator_view(), views.span_bytes());
  EXPECT(descriptor.Continue(view, kBytes, views.alias()) == 1);  // Too late: quiet.
}

void AHandshakeWorksOncePerDescriptor() {
  Raw raw(0);
  abi::Api again = {abi::kApi, 0, 0};
  EXPECT(ioctl(raw.fd, abi::kIocApi, &again) == -1 && errno == EINVAL);
}

// Touches a page of a registered view in a thread of its own.
struct Toucher {
  explicit Toucher(const uint8_t* at)
      : thread([this, at] {
          value.store(*const_cast<const volatile uint8_t*>(at));
          done.store(true);
        }) {}
  ~Toucher() { thread.join(); }
  bool DoneWithin(uint64_t ms) {
    for (const uint64_t until = NowNs() + ms * kNsPerMs; NowNs() < until && !done.load();) usleep(200);
    return done.load();
  }
  std::atomic<bool> done{false};
  std::atomic<uint8_t> value{0};
  std::thread thread;
};

void UnregisterDoesNotWakeMinorWaitersAndWakeDoes() {
  Raw raw(0, abi::kRegisterMinor);
  raw.Fill(0, 1);
  Toucher toucher(raw.view);
  abi::Message message;
  EXPECT(raw.Next(&message, 5000));
  EXPECT(raw.Unregister() == 0);
  EXPECT(!toucher.DoneWithin(100));
  EXPECT(raw.Wake() == 0);
  EXPECT(toucher.DoneWithin(5000) && toucher.value.load() == 7);
}

void TheKindOfAFaultSaysNothingAboutThePagesState() {
  constexpr uint64_t kFlagMinor = 4;
  Raw raw(0);
  // A page without content in the file: not MINOR …
  {
    Toucher toucher(raw.view);
    abi::Message message;
    EXPECT(raw.Next(&message, 5000) && message.event == abi::kEventPageFault);
    EXPECT((message.flags & kFlagMinor) == 0);
    // … and made good by writing it through the alias and CONTINUE all the same.
    raw.Fill(0, 1);
    int64_t mapped = 0;
    EXPECT(raw.Continue(0, 1, &mapped) == 0);
    EXPECT(toucher.DoneWithin(5000) && toucher.value.load() == 7);
  }
  // A page with some content: MINOR, finished or not.
  raw.alias[kPageBytes] = 1;
  Toucher toucher(raw.view + kPageBytes);
  abi::Message message;
  EXPECT(raw.Next(&message, 5000) && (message.flags & kFlagMinor) != 0);
  raw.Fill(1, 1);
  int64_t mapped = 0;
  EXPECT(raw.Continue(1, 1, &mapped) == 0);
  EXPECT(toucher.DoneWithin(5000) && toucher.value.load() == 7);
}

void PopulatingARegisteredViewIsRefused() {
  Raw raw(abi::kFeatureSigbus);
  EXPECT(madvise(raw.view, kBytes, MADV_POPULATE_WRITE) == -1 && errno == EFAULT);
  EXPECT(raw.Unregister() == 0);
  EXPECT(madvise(raw.view, kBytes, MADV_POPULATE_WRITE) == 0);
}

void ASystemCallOnAPageThatIsNotThereFailsInsteadOfRaisingASignal() {
  Raw raw(abi::kFeatureSigbus);
  raw.Fill(0, 1);
  int ends[2];
  EXPECT(pipe(ends) == 0);
  EXPECT(write(ends[1], raw.view, 8) == -1 && errno == EFAULT);
  close(ends[0]);
  close(ends[1]);
}

void PunchingAHoleRaisesNothingAndUnmaps() {
  Raw raw(0);
  raw.Fill(0, 4);
  int64_t mapped = 0;
  EXPECT(raw.Continue(0, 4, &mapped) == 0);
  EXPECT(raw.file.PunchHole(0, 2 * kPageBytes).ok());
  abi::Message message;
  EXPECT(!raw.Next(&message, 50));
  EXPECT(raw.Continue(0, 1, &mapped) == EFAULT);  // A hole again.
  EXPECT(raw.Continue(2, 1, &mapped) == EEXIST);  // Its neighbours are untouched.
  EXPECT(raw.file.AllocatedBytes() == 2 * kPageBytes);
}

void TheFileCanNeitherShrinkNorGrow() {
  Raw raw(0);
  EXPECT(ftruncate(raw.file.fd(), 0) == -1 && errno == EPERM);
  EXPECT(ftruncate(raw.file.fd(), 2 * kBytes) == -1 && errno == EPERM);
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline;
  using namespace faultline::test;
  if (!ProbeUserfaultfd().has_minor_faults()) {
    std::printf("this kernel offers no userfaultfd minor faults on shared memory to this process\n");
    return kSkipped;
  }
  ContinueAnswersAsWeExpect();
  CopyFillsHolesOnly();
  NoPageCanBeMovedIntoAViewOfAFile();
  TheWrapperGetsThroughAllOfThem();
  AHandshakeWorksOncePerDescriptor();
  UnregisterDoesNotWakeMinorWaitersAndWakeDoes();
  TheKindOfAFaultSaysNothingAboutThePagesState();
  PopulatingARegisteredViewIsRefused();
  ASystemCallOnAPageThatIsNotThereFailsInsteadOfRaisingASignal();
  PunchingAHoleRaisesNothingAndUnmaps();
  TheFileCanNeitherShrinkNorGrow();
  return 0;
}
