// Userfaultfd for TypeScript: one function for each call of the kernel.  Addresses are numbers: those of user space are below 2^53.
#include <cstring>

#include "node/arguments.h"
#include "node/pages_environment.h"
#include "os/refusals.h"
#include "os/threads.h"

namespace faultline {

namespace {

using DescriptorExternal = Napi::External<std::shared_ptr<DescriptorBinding>>;

uintptr_t AddressAt(Info info, size_t index) { return static_cast<uintptr_t>(NumberAt(info, index)); }
size_t SizeAt(Info info, size_t index) { return static_cast<size_t>(NumberAt(info, index)); }
bool FlagAt(Info info, size_t index) { return info[index].As<Napi::Boolean>().Value(); }

uint64_t BitsAt(Info info, size_t index) {
  bool lossless = false;
  return info[index].As<Napi::BigInt>().Uint64Value(&lossless);
}

Napi::Value Answer(Info info, const Status& status) {
  return status.ok() ? info.Env().Undefined() : Napi::Value(Refusal(info.Env(), status.error()));
}

Napi::Value ExternalOf(Napi::Env env, std::shared_ptr<DescriptorBinding> binding) {
  return DescriptorExternal::New(env, new std::shared_ptr<DescriptorBinding>(std::move(binding)),
                                 [](Napi::Env, std::shared_ptr<DescriptorBinding>* held) { delete held; });
}

DescriptorBinding& BindingAt(Info info, size_t index) { return **info[index].As<DescriptorExternal>().Data(); }

// A function whose first argument is a descriptor.  A closed one answers as the kernel does.
template <Napi::Value (*kFunction)(Info, DescriptorBinding&)>
Napi::Value OnDescriptor(Info info) {
  DescriptorBinding& binding = BindingAt(info, 0);
  if (binding.descriptor == nullptr) return Refusal(info.Env(), SysError{EBADF, "userfaultfd"});
  return kFunction(info, binding);
}

// openUserfaultfd(way)
Napi::Value Open(Info info) {
  if (const int refused = Refused(SystemCall::kUserfaultfd)) return Refusal(info.Env(), SysError{refused, "userfaultfd"});
  constexpr UserfaultfdOpening kWays[] = {UserfaultfdOpening::kDevice, UserfaultfdOpening::kSystemCall,
                                          UserfaultfdOpening::kSystemCallUserModeOnly};
  const Result<int> fd = OpenUserfaultfd(kWays[Uint32At(info, 0)], MessageReads::kNonBlocking);
  if (!fd.ok()) return Refusal(info.Env(), fd.error());
  return ExternalOf(info.Env(), Environment::Of(info.Env())->pages().AddDescriptor(fd.value()));
}

// adoptUserfaultfd(fd): a descriptor that a message, or another process, has brought
Napi::Value Adopt(Info info) {
  return ExternalOf(info.Env(), Environment::Of(info.Env())->pages().AddDescriptor(static_cast<int>(NumberAt(info, 0))));
}

// shakeHands(descriptor, api, features, hasEvents)
Napi::Value Shake(Info info, DescriptorBinding& binding) {
  const Result<UserfaultfdOffer> offer = binding.descriptor->Handshake(BitsAt(info, 1), BitsAt(info, 2), FlagAt(info, 3));
  if (!offer.ok()) return Refusal(info.Env(), offer.error());
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("features", Napi::BigInt::New(info.Env(), offer.value().features));
  answer.Set("ioctls", Napi::BigInt::New(info.Env(), offer.value().ioctls));
  return answer;
}

// readFaults(descriptor, arrived, answeredHere, forksHaveEvents)
Napi::Value StartReading(Info info, DescriptorBinding& binding) {
  const napi_env env = info.Env();
  napi_threadsafe_function arrived = nullptr;
  napi_create_threadsafe_function(env, info[1], nullptr, Napi::String::New(env, "faultline-pages"), 0, 1, nullptr, nullptr, nullptr,
                                  nullptr, &arrived);
  if (arrived == nullptr) return Refusal(env, SysError{EAGAIN, "napi_create_threadsafe_function"});
  Environment::Of(env)->CleanUpFirst();
  napi_unref_threadsafe_function(env, arrived);
  if (FlagAt(info, 2)) binding.descriptor->AnsweredBy(ThisThread());
  const auto tell = [arrived] { napi_call_threadsafe_function(arrived, nullptr, napi_tsfn_nonblocking); };
  auto reader = FaultReader::Start(binding.descriptor, tell, FlagAt(info, 3));
  if (!reader.ok()) {
    napi_release_threadsafe_function(arrived, napi_tsfn_abort);
    return Refusal(env, reader.error());
  }
  binding.arrived = arrived;
  binding.reader = std::move(reader.value());
  return info.Env().Undefined();
}

// keepAlive(descriptor, whether): the event loop does not end while somebody waits for messages
Napi::Value KeepAlive(Info info, DescriptorBinding& binding) {
  if (binding.arrived != nullptr) {
    if (FlagAt(info, 1)) {
      napi_ref_threadsafe_function(info.Env(), binding.arrived);
    } else {
      napi_unref_threadsafe_function(info.Env(), binding.arrived);
    }
  }
  return info.Env().Undefined();
}

// takeMessage(descriptor, words: BigUint64Array): whether there was one
Napi::Value TakeMessage(Info info, DescriptorBinding& binding) {
  abi::Message message;
  const bool taken = binding.descriptor->TakeMessage(&message);
  if (taken) memcpy(info[1].As<Napi::TypedArrayOf<uint64_t>>().Data(), &message, sizeof(message));
  return Boolean(info, taken);
}

FaultDescriptor::Range RangeAt(Info info, size_t index) {
  return {AddressAt(info, index), SizeAt(info, index + 1), SizeAt(info, index + 2)};
}

FaultDescriptor::Waited WaitedAt(Info info, size_t index) {
  return FlagAt(info, index) ? FaultDescriptor::Waited::kPoison : FaultDescriptor::Waited::kRelease;
}

// registerRange(descriptor, address, bytes, pageBytes, modes)
Napi::Value Register(Info info, DescriptorBinding& binding) {
  const Result<uint64_t> ioctls = binding.descriptor->Register(RangeAt(info, 1), BitsAt(info, 4));
  if (!ioctls.ok()) return Refusal(info.Env(), ioctls.error());
  return Napi::BigInt::New(info.Env(), ioctls.value());
}

// adoptRange(descriptor, address, bytes, pageBytes)
Napi::Value AdoptRange(Info info, DescriptorBinding& binding) {
  binding.descriptor->Adopt(RangeAt(info, 1));
  return info.Env().Undefined();
}

// unregisterRange(descriptor, address, bytes, pageBytes, poison)
Napi::Value Unregister(Info info, DescriptorBinding& binding) {
  return Answer(info, binding.descriptor->Unregister(RangeAt(info, 1), WaitedAt(info, 4)));
}

// fillPages(descriptor, call, to, bytes, pageBytes, mode, from, wakes, error: Int32Array): the bytes that were done; `from` is a Uint8Array
// or an address
Napi::Value Fill(Info info, DescriptorBinding& binding) {
  FillRequest request;
  request.call = static_cast<FillCall>(Uint32At(info, 1));
  request.to = AddressAt(info, 2);
  request.bytes = SizeAt(info, 3);
  request.mode = Uint32At(info, 5);
  request.from = info[6].IsTypedArray() ? reinterpret_cast<uintptr_t>(info[6].As<Napi::Uint8Array>().Data()) : AddressAt(info, 6);
  const FillAnswer answer = binding.descriptor->Fill(request, SizeAt(info, 4), FlagAt(info, 7));
  info[8].As<Napi::Int32Array>()[0] = answer.error;
  return Number(info, static_cast<double>(answer.bytes));
}

// wakeRange(descriptor, address, bytes)
Napi::Value Wake(Info info, DescriptorBinding& binding) {
  return Answer(info, binding.descriptor->Wake(AddressAt(info, 1), SizeAt(info, 2)));
}

// waitingThreads(descriptor)
Napi::Value Waiting(Info info, DescriptorBinding& binding) {
  const Result<WaitingThreads> waiting = ReadWaitingThreads(binding.descriptor->fd());
  if (!waiting.ok()) return Refusal(info.Env(), waiting.error());
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("unread", static_cast<double>(waiting.value().unread));
  answer.Set("threads", static_cast<double>(waiting.value().all));
  answer.Set("queued", static_cast<double>(binding.descriptor->queued()));
  return answer;
}

// endWith(descriptor, exitCode)
Napi::Value EndWith(Info info, DescriptorBinding& binding) {
  if (binding.reader != nullptr) binding.reader->EndWith(static_cast<int>(NumberAt(info, 1)));
  return info.Env().Undefined();
}

// descriptorNumber(descriptor)
Napi::Value DescriptorNumber(Info info, DescriptorBinding& binding) { return Number(info, binding.descriptor->fd()); }

// closeUserfaultfd(descriptor, poison)
Napi::Value Close(Info info, DescriptorBinding& binding) {
  return Answer(info, Environment::Of(info.Env())->pages().CloseDescriptor(&binding, WaitedAt(info, 1)));
}

}  // namespace

void ExportUserfaultfd(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"openUserfaultfd", Open},
      {"adoptUserfaultfd", Adopt},
      {"shakeHands", OnDescriptor<Shake>},
      {"readFaults", OnDescriptor<StartReading>},
      {"keepAlive", OnDescriptor<KeepAlive>},
      {"takeMessage", OnDescriptor<TakeMessage>},
      {"registerRange", OnDescriptor<Register>},
      {"adoptRange", OnDescriptor<AdoptRange>},
      {"unregisterRange", OnDescriptor<Unregister>},
      {"fillPages", OnDescriptor<Fill>},
      {"wakeRange", OnDescriptor<Wake>},
      {"waitingThreads", OnDescriptor<Waiting>},
      {"endWith", OnDescriptor<EndWith>},
      {"descriptorNumber", OnDescriptor<DescriptorNumber>},
      {"closeUserfaultfd", OnDescriptor<Close>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
