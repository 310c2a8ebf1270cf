/**
 * Faultline: a garbage-collected heap outside V8, shared by threads, that compacts while they use it. The page fault is the
 * barrier.
 */
export { HeapError, type HeapErrorCode, type HeapErrorDetails, InvariantError } from './errors.ts';
export type { HeapOptions } from './options.ts';
export { Heap } from './heap/heap.ts';
export type { MutatorOptions } from './heap/attachment.ts';
export type { HeapCapabilities } from './heap/capabilities.ts';
export type { HeapEvents } from './heap/heap-events.ts';
export type { ObjectLevel } from './heap/object-level.ts';
export { Mutator } from './heap/mutator.ts';
export type { SlotAccess } from './heap/slot-access.ts';
export type { Words } from './heap/words.ts';
export type { AllocationBuffer } from './heap/allocation-buffer.ts';
export { Pin, type PinRange } from './heap/pin.ts';
export { RootRange } from './heap/root-range.ts';
export {
  array,
  type ArrayType,
  type ContainerContents,
  type ContainerIn,
  type ContainerType,
  definition,
  type ElementsOnlyKind,
  type ElementsOf,
  type ElementType,
  type Exactly,
  type FieldKind,
  type FieldsOf,
  type FieldType,
  ref,
  type ReferenceType,
  type ShapeDefinition,
} from './heap/definition.ts';
export { type ElementKind, type Field, type Offsets, Shape } from './heap/shapes.ts';
export { Elements } from './objects/elements.ts';
export type { HandleToken } from './objects/handle-tokens.ts';
export { HeapString, type StringDefinition } from './objects/heap-string.ts';
export { ObjectCursor, ObjectView } from './objects/object-view.ts';
export type {
  AnyView,
  ArrayNames,
  Cursor,
  DefinitionOf,
  ElementsOfView,
  ElementValue,
  FieldProperties,
  FieldValue,
  InitialElements,
  InitialValues,
  InputValue,
  PlainCopyOf,
  PlainInput,
  PlainObject,
  PlainValue,
  StepName,
  View,
} from './objects/view-types.ts';
export type { HeapArrays } from './containers/arrays.ts';
export type { WaitOptions } from './containers/async-waits.ts';
export { type ContainerDefinition, ContainerView } from './containers/container-view.ts';
export { KeyedView } from './containers/keyed-view.ts';
export type { Containers } from './containers/containers.ts';
export type { HeapConditions } from './containers/conditions.ts';
export type { CacheEntryOptions, CacheLimits, CacheOptions } from './containers/cache-options.ts';
export type { CacheStatistics } from './containers/caches.ts';
export { HeapArray } from './containers/heap-array.ts';
export { HeapCache } from './containers/heap-cache.ts';
export { HeapCondition, HeapLock, type HeldLock } from './containers/heap-lock.ts';
export { HeapMap } from './containers/heap-map.ts';
export { HeapQueue } from './containers/heap-queue.ts';
export { HeapSortedMap, type SortedRange } from './containers/heap-sorted-map.ts';
export {
  type ArrayContents,
  arrayOf,
  type CacheContents,
  cacheOf,
  CONDITION,
  type ConditionContents,
  LOCK,
  type LockContents,
  type MapContents,
  mapOf,
  type QueueContents,
  queueOf,
  type SortedMapContents,
  sortedMapOf,
} from './containers/container-types.ts';
export type {
  ContainerValue,
  Content,
  ContentIn,
  ContentOf,
  KeyContent,
  KeyKind,
  KeyType,
  KeyValue,
  KindOf,
  PlainContent,
  RawValue,
  ReferenceTo,
  ValueKind,
  ValueType,
} from './containers/kinds.ts';
export type { JsonPieces } from './containers/json-pieces.ts';
export type { HeapLocks } from './containers/locks.ts';
export type { RawKey } from './containers/map-keys.ts';
export type { HeapMaps } from './containers/maps.ts';
export type { HeapQueues } from './containers/queues.ts';
export type { SortedKeyKind } from './containers/sorted-maps.ts';
export type { Finalizable, Finalizables } from './heap/finalizers.ts';
export { isSmallInteger, MAX_SMALL_INTEGER, MIN_SMALL_INTEGER, smallInteger, tagSmallInteger } from './heap/tagged.ts';
export type { WeakMaps } from './heap/weak-map.ts';
export type { WeakReferences } from './heap/weak-reference.ts';
export type { HeapToken } from './heap/token.ts';
export type { ReferenceHandle, Ref } from './heap/units.ts';
export type { FaultMode, RequestedFaultMode } from './gc/fault-mode-choice.ts';
export type { MarkerName, RequestedMarker } from './gc/markers.ts';
export type { DirectorInputs, Rule, Verdict } from './gc/policy/director.ts';
export type { Sizing } from './gc/policy/sizing.ts';
export type { PolicyOptions, WorkerOptions } from './gc/policy/policy-options.ts';
export type { Refusal } from './binding.ts';
export type { CollectionKind, CollectionReason, CollectionRequest } from './gc/requests.ts';
export type {
  CollectionStarted,
  CollectionSummary,
  CycleStarted,
  CycleSummary,
  Degraded,
  FinalizersReady,
  HeapEvent,
  MemoryReturned,
  PauseName,
  PauseEnded,
  PhaseEnded,
  Triggered,
} from './gc/events.ts';
export type { HeapPhase, PhaseName } from './binding/cycle-steps.ts';
export { DIAGNOSTICS } from './gc/events.ts';
export type { SnapshotOptions, SnapshotProgress, SnapshotSummary } from './gc/snapshots.ts';
export { type MetricLabels, prometheusText } from './gc/metrics.ts';
export type { DurationSummary, HeapStatistics } from './gc/statistics.ts';
