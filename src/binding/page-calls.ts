/**
 * Calls of the page interface: userfaultfd, memory that several mappings show, and what a process may ask about its memory.
 *
 * Addresses are numbers: those of user space are below 2^53. Masks, in which the kernel may set bits that nobody here knows, are bigints.
 */
import type { NativeDescriptor, NativeMapping, NativeObject } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** A file or process by its descriptor, or a segment by its number. */
export interface OpenedObject {
  object: NativeObject;
  number: number;
}

/** See native/os/placed_mapping.h. */
export interface MappingRequest {
  source: number;
  object: number;
  offset: number;
  same: number;
  protection: number;
  inherited: boolean;
  huge: boolean;
}

export interface PlacedMapping {
  mapping: NativeMapping;
  /** From the start of the place. */
  offset: number;
  address: number;
}

export interface PageCalls {
  /** `way` is an index into the ways of pages/opening.ts. */
  openUserfaultfd(way: number): NativeDescriptor | Refusal;
  adoptUserfaultfd(fd: number): NativeDescriptor;
  shakeHands(
    descriptor: NativeDescriptor,
    api: bigint,
    features: bigint,
    hasEvents: boolean,
  ): { features: bigint; ioctls: bigint } | Refusal;
  /** Starts a native thread that reads messages; `arrived` is called in the event loop when there are some. */
  readFaults(descriptor: NativeDescriptor, arrived: () => void, answeredHere: boolean, forksHaveEvents: boolean): Refusal | undefined;
  keepAlive(descriptor: NativeDescriptor, whether: boolean): void;
  /** Stores one message, four words; whether there was one. */
  takeMessage(descriptor: NativeDescriptor, words: BigUint64Array): boolean;
  registerRange(descriptor: NativeDescriptor, address: number, bytes: number, pageBytes: number, modes: bigint): bigint | Refusal;
  adoptRange(descriptor: NativeDescriptor, address: number, bytes: number, pageBytes: number): void;
  unregisterRange(descriptor: NativeDescriptor, address: number, bytes: number, pageBytes: number, poison: boolean): Refusal | undefined;
  /** Returns the bytes that were done, and stores the kernel's error, or 0. */
  fillPages(
    descriptor: NativeDescriptor,
    call: number,
    to: number,
    bytes: number,
    pageBytes: number,
    mode: number,
    from: Uint8Array | number,
    wakes: boolean,
    error: Int32Array,
  ): number;
  wakeRange(descriptor: NativeDescriptor, address: number, bytes: number): Refusal | undefined;
  waitingThreads(descriptor: NativeDescriptor): { unread: number; threads: number; queued: number } | Refusal;
  /** The process ends with that code if a thread still waits a moment later. */
  endWith(descriptor: NativeDescriptor, exitCode: number): void;
  descriptorNumber(descriptor: NativeDescriptor): number;
  closeUserfaultfd(descriptor: NativeDescriptor, poison: boolean): Refusal | undefined;

  createMemfd(name: string, bytes: number, hugeShift: number): OpenedObject | Refusal;
  /** Of a file that was opened otherwise. */
  holdDescriptor(fd: number): OpenedObject;
  openSegment(key: number, bytes: number, hugeShift: number, removeAtEnd: boolean): OpenedObject | Refusal;
  openProcess(pid: number): OpenedObject | Refusal;
  closeObject(object: NativeObject): Refusal | undefined;
  punchHole(fd: number, offset: number, bytes: number): Refusal | undefined;
  /** `place` is a page longer than the mapping. */
  placeMapping(place: Uint8Array, pageBytes: number, bytes: number, request: MappingRequest): PlacedMapping | Refusal;
  closeMapping(mapping: NativeMapping): Refusal | undefined;
  adviseMapping(mapping: NativeMapping, offset: number, bytes: number, advice: number): Refusal | undefined;
  protectMapping(mapping: NativeMapping, offset: number, bytes: number, protection: number): Refusal | undefined;
  moveEntries(to: NativeMapping, from: NativeMapping): Refusal | undefined;
  /** `ranges` are starts and lengths; returns the bytes that were done. */
  adviseProcess(process: number, ranges: BigUint64Array, advice: number, flags: number): number | Refusal;
  /** `request` is the kernel's struct pm_scan_arg; returns how many regions were stored. */
  scanPages(pagemap: number, request: BigUint64Array, regions: BigUint64Array): number | Refusal;
}
