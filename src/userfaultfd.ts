/**
 * `faultline/userfaultfd`: Linux's userfaultfd for TypeScript, with the memory it is about: pages that come into being when they are
 * touched.
 */
export { HeapError, type HeapErrorCode, type HeapErrorDetails } from './errors.ts';
export {
  type Advice,
  type Feature,
  FEATURES,
  type PageCategory,
  type RangeCall,
  type RegisterMode,
  type RequestedFeature,
} from './pages/abi.ts';
export type { Bits } from './pages/bit-names.ts';
export type { PageFault, RemapEvent, RemoveEvent, StrayFault, UnknownEvent, UnmapEvent } from './pages/events.ts';
export type { FaultCause } from './pages/messages.ts';
export {
  type AddressRange,
  Mapping,
  type MappingOptions,
  type MappingProtection,
  type MappingRange,
  type MemoryRange,
} from './pages/mapping.ts';
export {
  type FileMappingOptions,
  type HugePageSize,
  MemoryFile,
  type MemoryFileKind,
  type MemoryFileOptions,
  type MemoryPathOptions,
  privateMemory,
  type SegmentOptions,
} from './pages/memory-file.ts';
export type { OpeningRefusal, OpeningWay, OpenOptions, UserfaultFdSupport } from './pages/opening.ts';
export { PAGE_ENTRY, type PageCategories, PageMap, type ScannedRegion, type ScanOptions, type ScanResult } from './pages/page-map.ts';
export { ProcessHandle } from './pages/process-handle.ts';
export type { FillError, Progress } from './pages/refused.ts';
export {
  type EndOptions,
  type FillOptions,
  type MoveOptions,
  type ProtectedFillOptions,
  Registration,
} from './pages/registration.ts';
export { type ForkEvent, type RegisterPart, type UserfaultEvent, UserfaultFd, type WaitingThreads } from './pages/userfault-fd.ts';
