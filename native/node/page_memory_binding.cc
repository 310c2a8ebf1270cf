// Memory for pages: files and segments, mappings in the place of SharedArrayBuffers, and what a process may ask about its memory, or
// another's.
#include <unistd.h>

#include "node/arguments.h"
#include "node/pages_environment.h"
#include "os/memory_objects.h"
#include "os/process_calls.h"

namespace faultline {

namespace {

// A descriptor or a segment, which ends with its external if JavaScript does not end it.
struct MemoryObject {
  int fd = -1;
  int segment = -1;  // To be removed.

  Status End() {
    Status status;
    if (fd >= 0) close(fd);
    if (segment >= 0) status = RemoveSegment(segment);
    fd = segment = -1;
    return status;
  }
};

using MappingExternal = Napi::External<std::shared_ptr<MappingBinding>>;

size_t SizeAt(Info info, size_t index) { return static_cast<size_t>(NumberAt(info, index)); }
int IntAt(Info info, size_t index) { return static_cast<int>(NumberAt(info, index)); }

Napi::Value Answer(Info info, const Status& status) {
  return status.ok() ? info.Env().Undefined() : Napi::Value(Refusal(info.Env(), status.error()));
}

Napi::Value ExternalOf(Napi::Env env, const MemoryObject& object) {
  return Napi::External<MemoryObject>::New(env, new MemoryObject(object), [](Napi::Env, MemoryObject* held) {
    (void)held->End().ok();
    delete held;
  });
}

// {object, number}: a descriptor of a file or a process, or the number of a segment
Napi::Value Opened(Info info, const Result<int>& opened, bool is_segment, bool ends_with_external) {
  if (!opened.ok()) return Refusal(info.Env(), opened.error());
  MemoryObject object;
  if (ends_with_external) (is_segment ? object.segment : object.fd) = opened.value();
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("object", ExternalOf(info.Env(), object));
  answer.Set("number", opened.value());
  return answer;
}

// createMemfd(name, bytes, hugeShift)
Napi::Value CreateFile(Info info) {
  const std::string name = info[0].As<Napi::String>();
  return Opened(info, CreateMemfd(name.c_str(), SizeAt(info, 1), Uint32At(info, 2)), false, true);
}

// holdDescriptor(fd): of a file that was opened otherwise
Napi::Value Hold(Info info) { return Opened(info, Result<int>(IntAt(info, 0)), false, true); }

// openSegment(key, bytes, hugeShift, removeAtEnd)
Napi::Value Segment(Info info) {
  const bool removes = info[3].As<Napi::Boolean>().Value();
  return Opened(info, OpenSegment(IntAt(info, 0), SizeAt(info, 1), Uint32At(info, 2)), true, removes);
}

// openProcess(pid)
Napi::Value Process(Info info) { return Opened(info, OpenProcess(IntAt(info, 0)), false, true); }

// closeObject(object)
Napi::Value CloseObject(Info info) { return Answer(info, info[0].As<Napi::External<MemoryObject>>().Data()->End()); }

// punchHole(fd, offset, bytes)
Napi::Value Punch(Info info) { return Answer(info, PunchHole(IntAt(info, 0), SizeAt(info, 1), SizeAt(info, 2))); }

MappingBinding& MappingAt(Info info, size_t index) { return **info[index].As<MappingExternal>().Data(); }

MappingRequest RequestOf(const Napi::Object& options) {
  const auto number = [&options](const char* name) { return options.Get(name).As<Napi::Number>().DoubleValue(); };
  const auto flag = [&options](const char* name) { return options.Get(name).As<Napi::Boolean>().Value(); };
  MappingRequest request;
  request.source = static_cast<MappingSource>(number("source"));
  request.object = static_cast<int>(number("object"));
  request.offset = static_cast<size_t>(number("offset"));
  request.same = static_cast<uintptr_t>(number("same"));
  request.protection = static_cast<Protection>(number("protection"));
  request.inherited = flag("inherited");
  request.huge = flag("huge");
  return request;
}

// placeMapping(place: Uint8Array, pageBytes, bytes, request): {mapping, offset, address}.  The place is a page longer than the mapping.
Napi::Value Place(Info info) {
  const Napi::Env env = info.Env();
  uint8_t* const place = info[0].As<Napi::Uint8Array>().Data();
  const uintptr_t page = SizeAt(info, 1);
  const uintptr_t start = (reinterpret_cast<uintptr_t>(place) + page - 1) & ~(page - 1);
  auto binding = std::make_shared<MappingBinding>();
  Status status = binding->mapping.Place(reinterpret_cast<uint8_t*>(start), SizeAt(info, 2), RequestOf(info[3].As<Napi::Object>()));
  if (!status.ok() && binding->mapping.start() == nullptr) return Refusal(env, status.error());
  napi_create_reference(env, info[0].As<Napi::TypedArray>().ArrayBuffer(), 1, &binding->buffer);
  Environment::Of(env)->pages().AddMapping(binding);
  if (!status.ok()) return Refusal(env, status.error());
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("offset", static_cast<double>(start - reinterpret_cast<uintptr_t>(place)));
  answer.Set("address", static_cast<double>(start));
  answer.Set("mapping", MappingExternal::New(env, new std::shared_ptr<MappingBinding>(std::move(binding)),
                                             [](Napi::Env, std::shared_ptr<MappingBinding>* held) { delete held; }));
  return answer;
}

// closeMapping(mapping)
Napi::Value CloseMapping(Info info) { return Answer(info, Environment::Of(info.Env())->pages().CloseMapping(&MappingAt(info, 0))); }

// adviseMapping(mapping, offset, bytes, advice)
Napi::Value Advise(Info info) { return Answer(info, MappingAt(info, 0).mapping.Advise(SizeAt(info, 1), SizeAt(info, 2), IntAt(info, 3))); }

// protectMapping(mapping, offset, bytes, protection)
Napi::Value Protect(Info info) {
  return Answer(info, MappingAt(info, 0).mapping.Protect(SizeAt(info, 1), SizeAt(info, 2), static_cast<Protection>(Uint32At(info, 3))));
}

// moveEntries(to, from)
Napi::Value MoveEntries(Info info) { return Answer(info, MappingAt(info, 0).mapping.TakeFrom(MappingAt(info, 1).mapping)); }

// adviseProcess(process, ranges: BigUint64Array of starts and lengths, advice, flags): the bytes that were done
Napi::Value Advising(Info info) {
  const auto ranges = info[1].As<Napi::TypedArrayOf<uint64_t>>();
  const Result<size_t> done = AdviseProcess(IntAt(info, 0), reinterpret_cast<const AddressRange*>(ranges.Data()),
                                            ranges.ElementLength() / 2, IntAt(info, 2), Uint32At(info, 3));
  if (!done.ok()) return Refusal(info.Env(), done.error());
  return Number(info, static_cast<double>(done.value()));
}

// scanPages(pagemap, request: BigUint64Array, regions: BigUint64Array): how many regions were found
Napi::Value Scan(Info info) {
  auto* const scan = reinterpret_cast<abi::PagemapScan*>(info[1].As<Napi::TypedArrayOf<uint64_t>>().Data());
  const auto regions = info[2].As<Napi::TypedArrayOf<uint64_t>>();
  scan->size = sizeof(*scan);
  scan->vec = regions.ElementLength() == 0 ? 0 : reinterpret_cast<uintptr_t>(regions.Data());
  scan->vec_len = regions.ElementLength() * sizeof(uint64_t) / sizeof(abi::PageRegion);
  const Result<size_t> found = ScanPages(IntAt(info, 0), scan);
  if (!found.ok()) return Refusal(info.Env(), found.error());
  return Number(info, static_cast<double>(found.value()));
}

}  // namespace

void ExportPageMemory(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"createMemfd", CreateFile},  {"holdDescriptor", Hold},    {"openSegment", Segment},     {"openProcess", Process},
      {"closeObject", CloseObject}, {"punchHole", Punch},        {"placeMapping", Place},      {"closeMapping", CloseMapping},
      {"adviseMapping", Advise},    {"protectMapping", Protect}, {"moveEntries", MoveEntries}, {"adviseProcess", Advising},
      {"scanPages", Scan},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
