// Heaps: create, attach, close, shapes, requests.
#include <string>

#include "node/arguments.h"

namespace faultline {

namespace {

Napi::Object Describe(Info info, HeapBinding* binding, uint8_t* buffer_start) {
  HeapInstance& instance = *binding->instance;
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("heap", Napi::External<HeapBinding>::New(info.Env(), binding));
  answer.Set("id", static_cast<double>(instance.id));
  answer.Set("viewOffset", static_cast<double>(instance.heap.views.mutator_view() - buffer_start));
  answer.Set("regions", instance.heap.regions.count());
  answer.Set("capacityRegions", instance.heap.regions.capacity());
  answer.Set("openedBy", NameOf(instance.collector->pages().fault_mode().opened_by()));
  answer.Set("faultMode", NameOf(instance.collector->pages().fault_mode().kind()));
  answer.Set("marker", NameOf(instance.collector->marker().kind()));
  answer.Set("unitPages", instance.collector->pages().fault_mode().unit_pages());
  answer.Set("faultAroundPages", instance.collector->options().fault_around_pages);
  answer.Set("hashLow", instance.heap.hash_key.low);
  answer.Set("hashHigh", instance.heap.hash_key.high);
  return answer;
}

uint8_t* BytesAt(Info info, size_t index) { return info[index].As<Napi::Uint8Array>().Data(); }

// create(options, viewBytes: Uint8Array, sharedRoots: Uint32Array, unsettled: Uint8Array after the roots, in mode load-barrier)
Napi::Value Create(Info info) {
  const Napi::Object options = info[0].As<Napi::Object>();
  const auto number = [&options](const char* name) { return options.Get(name).As<Napi::Number>().DoubleValue(); };
  const auto flag = [&options](const char* name) { return options.Get(name).As<Napi::Boolean>().Value(); };
  uint8_t* const start = BytesAt(info, 1);
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(start) + kViewAlignment - 1) & ~(kViewAlignment - 1);

  Collector::Options collector_options;
  collector_options.fault_mode = static_cast<FaultModeKind>(number("faultMode"));
  collector_options.marker = static_cast<MarkerKind>(number("marker"));
  collector_options.fault_around_pages = static_cast<uint32_t>(number("faultAroundPages"));
  collector_options.verify = flag("verify");
  collector_options.track_utilization = flag("trackUtilization");
  collector_options.delay_seed = static_cast<uint64_t>(number("delaySeed"));

  Heap::Options heap_options;
  heap_options.capacity_regions = static_cast<uint32_t>(number("capacityRegions"));
  heap_options.reserve_regions = static_cast<uint32_t>(number("reserveRegions"));
  heap_options.tlab_pages = static_cast<uint32_t>(number("tlabPages"));
  heap_options.mutator_view = reinterpret_cast<void*>(aligned);
  heap_options.shared_roots = info[2].As<Napi::Uint32Array>().Data();
  heap_options.core_dumps = flag("coreDumps") ? Views::CoreDumps::kWithHeap : Views::CoreDumps::kWithoutHeap;
  heap_options.barriered_loads = TraitsOf(collector_options.fault_mode).barriered_loads;
  heap_options.poisons = flag("poisons");
  heap_options.first_region = static_cast<uint32_t>(number("firstRegion"));
  if (heap_options.barriered_loads) heap_options.unsettled = BytesAt(info, 3);
  // The buffer is 1 GiB longer than the view.  Of its memory before and after the view, only the first page is ever used.
  const size_t span = Views::SpanBytes(size_t{heap_options.capacity_regions + heap_options.reserve_regions} * kRegionBytes);
  const uintptr_t unused = (reinterpret_cast<uintptr_t>(start) + 2 * kPageBytes - 1) & ~(kPageBytes - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(start) + span + kViewAlignment) & ~(kPageBytes - 1);
  Views::ExcludeFromCoreDumps(reinterpret_cast<void*>(unused), end - unused);
  auto instance = HeapInstance::Create(heap_options, collector_options);
  if (!instance.ok()) return Refusal(info.Env(), instance.error());
  HeapBinding* const binding =
      Environment::Of(info.Env())
          ->AddHeap(instance.value(), info[1].As<Napi::TypedArray>().ArrayBuffer(), info[2].As<Napi::TypedArray>().ArrayBuffer());
  return Describe(info, binding, start);
}

// attach(id, viewBytes, sharedRoots): null if there is no such heap in this process
Napi::Value Attach(Info info) {
  std::shared_ptr<HeapInstance> instance = HeapInstance::Find(Uint32At(info, 0));
  if (instance == nullptr || instance->closing()) return info.Env().Null();
  uint8_t* const start = BytesAt(info, 1);
  // The token must belong to this very heap: the view lies inside the token's buffer.
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(start) + kViewAlignment - 1) & ~(kViewAlignment - 1);
  if (reinterpret_cast<uint8_t*>(aligned) != instance->heap.views.mutator_view()) return info.Env().Null();
  HeapBinding* const binding =
      Environment::Of(info.Env())
          ->AddHeap(std::move(instance), info[1].As<Napi::TypedArray>().ArrayBuffer(), info[2].As<Napi::TypedArray>().ArrayBuffer());
  return Describe(info, binding, start);
}

// beginClose(heap, own): how many mutators are attached besides `own` mutators of the caller; if 0, no thread can attach from now on
Napi::Value BeginClose(Info info, HeapInstance& instance) { return Number(info, instance.BeginClose(Uint32At(info, 1))); }

// close(heap)
Napi::Value Close(Info info, HeapInstance& instance) {
  instance.Close();
  return info.Env().Undefined();
}

// release(heap): this thread no longer uses it.
Napi::Value Release(Info info) {
  HeapBinding* const binding = info[0].As<Napi::External<HeapBinding>>().Data();
  if (binding->instance != nullptr) Environment::Of(info.Env())->ReleaseHeap(binding);
  return info.Env().Undefined();
}

// defineShape(heap, name, description, fixedWords, referenceFields, elementKind, elementBytesLog2, taggedFields, identitySlot, isLeaf): id,
// 0 on conflict
Napi::Value DefineShape(Info info, HeapInstance& instance) {
  Shape shape;
  shape.fixed_words = Uint32At(info, 3);
  shape.reference_fields = Uint32At(info, 4);
  shape.element_kind = static_cast<ElementKind>(Uint32At(info, 5));
  shape.element_bytes_log2 = static_cast<uint8_t>(Uint32At(info, 6));
  shape.tagged_fields = static_cast<uint16_t>(Uint32At(info, 7));
  shape.identity_slot = static_cast<uint16_t>(Uint32At(info, 8));
  ShapeTable& shapes = instance.heap.shapes;
  const ShapeId id = shapes.Define(info[1].As<Napi::String>().Utf16Value(), info[2].As<Napi::String>(), shape);
  // JavaScript allocates from the buffer that it believes to be the shape's.
  FAULTLINE_CHECK(id == kNoShape || shapes[id].is_leaf() == info[9].As<Napi::Boolean>().Value(),
                  "(R) both languages agree on which shapes hold no references", id);
  return Number(info, id);
}

Napi::Value ShapeAnswer(Info info, ShapeId id, const std::u16string& name, const std::string& description) {
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("id", uint32_t{id});
  // As a napi_value: given a Napi::String, Set would convert it through UTF-8.
  answer.Set("name", static_cast<napi_value>(Napi::String::New(info.Env(), name)));
  answer.Set("description", description);
  return answer;
}

// findShape(heap, name | id): {id, name, description} or null
Napi::Value FindShape(Info info, HeapInstance& instance) {
  std::u16string name;
  std::string description;
  if (info[1].IsString()) {
    name = info[1].As<Napi::String>().Utf16Value();
    const ShapeId id = instance.heap.shapes.Find(name, &description);
    return id == 0 ? info.Env().Null() : ShapeAnswer(info, id, name, description);
  }
  const ShapeId id(Uint32At(info, 1));
  if (!instance.heap.shapes.Describe(id, &name, &description)) return info.Env().Null();
  return ShapeAnswer(info, id, name, description);
}

// requestCollection(heap, kind, reason): ticket
Napi::Value RequestCollection(Info info, HeapInstance& instance) {
  return Number(info, instance.RequestCollection({Uint32At(info, 1), Uint32At(info, 2)}));
}

Napi::Value CollectionsEnded(Info info, HeapInstance& instance) { return Number(info, instance.collector->collections_ended()); }

// claimControl(heap): a claim's number, or one of CONTROL in src/binding/heap-calls.ts
Napi::Value ClaimControl(Info info, HeapInstance& instance) {
  HeapBinding& heap = *info[0].As<Napi::External<HeapBinding>>().Data();
  // A caller that claims again has ended its previous try, even if a time limit has cut that short.
  instance.NoteControlStarted(heap.control_claim);
  uint32_t claim = 0;
  const HeapInstance::Control control = instance.ClaimControl(&claim);
  if (control != HeapInstance::Control::kClaimed) return Number(info, -static_cast<double>(control));
  heap.control_claim = claim;
  return Number(info, claim);
}

// controlStarted(heap, claim)
Napi::Value ControlStarted(Info info, HeapInstance& instance) {
  instance.NoteControlStarted(Uint32At(info, 1));
  return info.Env().Undefined();
}

// controlFailed(heap, claim, final, reason): false if the heap is closed, or being closed, so that the failure does not matter
Napi::Value ControlFailed(Info info) {
  const std::shared_ptr<HeapInstance> instance = info[0].As<Napi::External<HeapBinding>>().Data()->instance;
  if (instance == nullptr || instance->closing()) return Boolean(info, false);
  instance->NoteControlFailed(Uint32At(info, 1), info[2].As<Napi::Boolean>().Value(), info[3].As<Napi::String>());
  return Boolean(info, true);
}

// controlFailure(heap): the reason of the last failure, or nothing
Napi::Value ControlFailure(Info info, HeapInstance& instance) { return Napi::String::New(info.Env(), instance.ControlFailure()); }

// inControl(heap): whether there is a control thread
Napi::Value InControl(Info info, HeapInstance& instance) { return Boolean(info, instance.InControl()); }

}  // namespace

// makeErrorsBy(make: (code, message) => Error)
Napi::Value MakeErrorsBy(Info info) {
  Environment::Of(info.Env())->MakeErrorsBy(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

// watchBy(doNothing: () => void)
Napi::Value WatchBy(Info info) {
  Environment::Of(info.Env())->WatchBy(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

void ExportHeap(Napi::Env env, Napi::Object exports) {
  static constexpr Exported kFunctions[] = {
      {"makeErrorsBy", MakeErrorsBy},
      {"watchBy", WatchBy},
      {"create", Create},
      {"attach", Attach},
      {"beginClose", OnHeap<BeginClose>},
      {"close", OnHeap<Close>},
      {"release", Release},
      {"defineShape", OnHeap<DefineShape>},
      {"findShape", OnHeap<FindShape>},
      {"requestCollection", OnHeap<RequestCollection>},
      {"collectionsEnded", OnHeap<CollectionsEnded>},
      {"claimControl", OnHeap<ClaimControl>},
      {"controlStarted", OnHeap<ControlStarted>},
      {"controlFailed", ControlFailed},
      {"controlFailure", OnHeap<ControlFailure>},
      {"inControl", OnHeap<InControl>},
  };
  Export(env, exports, kFunctions);
}

}  // namespace faultline
