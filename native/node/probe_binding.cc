// Probe: what this machine offers, constants for src/binding/layout.ts, and the switches that tests use.
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "gc/faults/bare_fault.h"
#include "heap/shared_array.h"
#include "heap/weak_map.h"
#include "node/arguments.h"
#include "os/delays.h"
#include "os/machine.h"
#include "os/refusals.h"
#include "os/write_tracking.h"

namespace faultline {

namespace {

// The kernel's page size according to a test; 0 for the real one.  Relaxed: it publishes nothing.
std::atomic<uint32_t> pretended_page_bytes{0};

Napi::Value PretendPageBytes(Info info) {
  pretended_page_bytes.store(Uint32At(info, 0), std::memory_order_relaxed);
  return info.Env().Undefined();
}

// probe(): only facts; src/gc/fault-mode-choice.ts says what they mean
Napi::Value Probe(Info info) {
  Napi::Env env = info.Env();
  const UserfaultfdProbe probe = ProbeUserfaultfd();
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("openedBy", NameOf(probe.opened_by));
  answer.Set("features", static_cast<double>(probe.features));
  answer.Set("minorFaults", probe.has_minor_faults());
  answer.Set("signalDelivery", probe.has_signal_delivery());
  answer.Set("copying", probe.has_copying());
  answer.Set("asyncWriteProtection", probe.has_async_write_protection());
  WriteTracking tracking;
  const Status tracks = tracking.Open();
  answer.Set("writeTracking", Refusal(env, tracks.ok() ? SysError{} : tracks.error()));
  answer.Set("device", Refusal(env, probe.device_error));
  answer.Set("systemCall", Refusal(env, probe.system_call_error));
  answer.Set("userModeOnly", Refusal(env, probe.user_mode_only_error));
  answer.Set("handshake", Refusal(env, probe.handshake_error));
  // This setting exists if the kernel has userfaultfd, even if a sandbox hides the system call.
  answer.Set("kernelHasUserfaultfd", access("/proc/sys/vm/unprivileged_userfaultfd", F_OK) == 0);
  const Machine machine = ReadMachine();
  const uint32_t pretended = pretended_page_bytes.load(std::memory_order_relaxed);
  answer.Set("pageBytes", pretended != 0 ? pretended : machine.page_bytes);
  if (!machine.kernel.empty()) answer.Set("kernel", machine.kernel);
  if (!machine.architecture.empty()) answer.Set("machine", machine.architecture);
  if (machine.memory_bytes != 0) answer.Set("totalMemoryBytes", static_cast<double>(machine.memory_bytes));
  answer.Set("popcnt", PageBuilder::CpuHasPopcnt());
  return answer;
}

// probeMove(): the kernel's answers to UFFDIO_MOVE
Napi::Value ProbeMoves(Info info) {
  const MoveProbe probe = ProbeMove();
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("betweenPrivate", Refusal(info.Env(), probe.between_private));
  answer.Set("intoShared", Refusal(info.Env(), probe.into_shared));
  return answer;
}

// layout(): every constant that TypeScript has too
Napi::Value Layout(Info info) {
  Napi::Object answer = Napi::Object::New(info.Env());
  const auto set = [&answer](const char* name, double value) { answer.Set(name, value); };
  set("WORD_BYTES", kWordBytes);
  set("PAGE_BYTES", kPageBytes);
  set("REGION_BYTES", kRegionBytes);
  set("MAX_REGIONS", kMaxRegions);
  set("LARGE_OBJECT_WORDS", kLargeObjectWords);
  set("VIEW_ALIGNMENT_BYTES", static_cast<double>(kViewAlignment));
  set("SHARED_ROOT_SLOTS", kSharedRootSlots);
  set("CONTROL_STATE", control::kState);
  set("CONTROL_TLAB_TOP", control::kTlabTop);
  set("CONTROL_TLAB_LIMIT", control::kTlabLimit);
  set("CONTROL_LOCALS_USED", control::kLocalsUsed);
  set("CONTROL_HANDLES_USED", control::kHandlesUsed);
  set("CONTROL_TLAB_START", control::kTlabStart);
  set("CONTROL_LOGGING", control::kLogging);
  set("CONTROL_LOG_USED", control::kLogUsed);
  set("CONTROL_WEAK_ACCESS", control::kWeakAccess);
  set("CONTROL_LOAD_BARRIER", control::kLoadBarrier);
  set("CONTROL_TEMPORARIES_USED", control::kTemporariesUsed);
  set("CONTROL_SCOPES", control::kScopes);
  set("CONTROL_VALUE", control::kValue);
  set("CONTROL_SCOPED_VIEWS", control::kScopedViews);
  set("CONTROL_ADOPTED", control::kAdopted);
  set("CONTROL_LEAF_TLAB_TOP", control::kLeafTlabTop);
  set("CONTROL_LEAF_TLAB_LIMIT", control::kLeafTlabLimit);
  set("CONTROL_LEAF_TLAB_START", control::kLeafTlabStart);
  set("LEAST_SEPARATED_REGIONS", kLeastSeparatedRegions);
  set("CONTROL_FIRST_TEMPORARY", control::kFirstTemporary);
  set("FINALIZER_ENTRIES", Finalizers::kEntries);
  set("WEAK_MAP_TABLE_SLOT", WeakMapSlots::kTable);
  set("WEAK_MAP_LOCK_SLOT", WeakMapSlots::kLock);
  set("WEAK_MAP_USED_SLOT", WeakMapSlots::kUsed);
  set("ARRAY_SEGMENTS", ArraySlots::kSegmentCount);
  set("ARRAY_LOCK_SLOT", ArraySlots::kLock);
  set("ARRAY_VERSION_SLOT", ArraySlots::kVersion);
  set("ARRAY_LENGTH_SLOT", ArraySlots::kLength);
  set("LOG_ENTRIES", kLogEntries);
  set("CONTROL_NULL_SLOT", control::kNullSlot);
  set("CONTROL_SLOTS", control::kSlots);
  set("MUTATOR_RUNNING", kMutatorRunning);
  set("MUTATOR_STOP_REQUESTED", kMutatorStopRequested);
  set("MUTATOR_STOP_ELSEWHERE", kMutatorStopElsewhere);
  return answer;
}

// measureBareFault(heap, count): {p50Us, p99Us} of a fault without work in the heap's mode, on this thread.  From now on the heap's fault
// histogram includes the delivery time found here.
Napi::Value MeasureBare(Info info, HeapInstance& instance) {
  Collector& collector = *instance.collector;
  const Result<BareFault> measured = MeasureBareFault(collector.pages().fault_mode().kind(), Uint32At(info, 1));
  if (!measured.ok()) return Refusal(info.Env(), measured.error());
  collector.pages().set_delivery_ns(measured.value().delivery_p50_ns);
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("p50Us", static_cast<double>(measured.value().round_trip_p50_ns) / 1e3);
  answer.Set("p99Us", static_cast<double>(measured.value().round_trip_p99_ns) / 1e3);
  answer.Set("deliveryUs", static_cast<double>(measured.value().delivery_p50_ns) / 1e3);
  return answer;
}

// armRefusal(systemCall, errno, skip, refuse): whether the name is known
Napi::Value ArmARefusal(Info info) {
  const std::string name = info[0].As<Napi::String>();
  for (uint32_t i = 0; i < static_cast<uint32_t>(SystemCall::kCount); ++i) {
    if (name != kSystemCallNames[i]) continue;
    ArmRefusal(static_cast<SystemCall>(i), static_cast<int>(NumberAt(info, 1)), Uint32At(info, 2), Uint32At(info, 3));
    return Boolean(info, true);
  }
  return Boolean(info, false);
}

const char* NameOf(PageState state) {
  constexpr const char* kNames[] = {"untouched", "building", "built", "mapped"};
  return kNames[static_cast<uint32_t>(state)];
}

const char* NameOf(PageOperation operation) {
  constexpr const char* kNames[] = {"claim", "await", "publish", "note mapped", "hand out"};
  return kNames[static_cast<uint32_t>(operation)];
}

const char* NameOf(AtomicInstruction instruction) {
  constexpr const char* kNames[] = {"CAS", "exchange", "store"};
  return kNames[static_cast<uint32_t>(instruction)];
}

const char* NameOf(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    default:
      return "seq_cst";
  }
}

// The rows of a table as objects, with the fields that `fill` sets.
template <typename Row, size_t kRows, typename Fill>
Napi::Value RowsOf(Napi::Env env, const Row (&table)[kRows], Fill fill) {
  Napi::Array answer = Napi::Array::New(env, kRows);
  for (uint32_t i = 0; i < kRows; ++i) {
    Napi::Object object = Napi::Object::New(env);
    fill(object, table[i]);
    answer.Set(i, object);
  }
  return answer;
}

// pageTransitions(): the rows of kPageTransitions
Napi::Value PageTransitions(Info info) {
  return RowsOf(info.Env(), kPageTransitions, [](Napi::Object& object, const PageTransition& row) {
    object.Set("operation", NameOf(row.operation));
    object.Set("who", row.who);
    object.Set("from", NameOf(row.from));
    object.Set("to", NameOf(row.to));
    object.Set("instruction", NameOf(row.instruction));
    object.Set("order", NameOf(row.order));
    object.Set("partner", row.partner);
  });
}

// cycleSteps(): the rows of kSteps
Napi::Value CycleSteps(Info info) {
  return RowsOf(info.Env(), kSteps, [](Napi::Object& object, const StepOfCycle& row) {
    object.Set("step", NameOf(row.step));
    object.Set("from", NameOf(row.from));
    object.Set("to", NameOf(row.to));
    object.Set("stopped", row.stopped);
    object.Set("laws", row.laws);
    object.Set("what", row.what);
  });
}

// regionTransitions(): the rows of kRegionTransitions
Napi::Value RegionTransitions(Info info) {
  return RowsOf(info.Env(), kRegionTransitions, [](Napi::Object& object, const RegionTransition& row) {
    object.Set("operation", row.operation);
    object.Set("who", row.who);
    object.Set("from", NameOf(row.from));
    object.Set("to", NameOf(row.to));
    object.Set("when", row.when);
  });
}

Napi::Value SetDelays(Info info) {
  SetDelaySeed(static_cast<uint64_t>(NumberAt(info, 0)));
  return info.Env().Undefined();
}

std::atomic<bool> control_end_held{false};

void HoldEndOfControl(DelayPoint point) {
  const timespec pause = {0, 50'000};
  while (point == DelayPoint::kControlResumed && control_end_held.load(std::memory_order_relaxed)) nanosleep(&pause, nullptr);
}

// holdEndOfControl(hold): holds up control threads that end between their last two steps, until this is called with false
Napi::Value HoldEnd(Info info) {
  control_end_held.store(info[0].As<Napi::Boolean>().Value(), std::memory_order_relaxed);
  SetDelayHook(HoldEndOfControl);
  return info.Env().Undefined();
}

}  // namespace

void ExportProbe(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"probe", Probe},
      {"probeMove", ProbeMoves},
      {"pretendPageBytes", PretendPageBytes},
      {"layout", Layout},
      {"measureBareFault", OnHeap<MeasureBare>},
      {"armRefusal", ArmARefusal},
      {"setDelays", SetDelays},
      {"holdEndOfControl", HoldEnd},
      {"cycleSteps", CycleSteps},
      {"regionTransitions", RegionTransitions},
      {"pageTransitions", PageTransitions},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
