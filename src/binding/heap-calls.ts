/**
 * Calls that make, share and close heaps, name their shapes, and ask for collections; any thread.
 */
import type { NativeHeap } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** HeapInstance::Control of native/node/instance.h, negative: there is a control thread; one is on its way; nobody tries any more. */
export const CONTROL = { attached: 0, starting: -1, givenUp: -2 } as const;

export interface CreateOptions {
  capacityRegions: number;
  reserveRegions: number;
  tlabPages: number;
  /** Index into FAULT_MODE_NAMES of gc/fault-modes.ts. */
  faultMode: number;
  /** Index into MARKERS of gc/markers.ts. */
  marker: number;
  /** 0: adaptive. */
  faultAroundPages: number;
  verify: boolean;
  trackUtilization: boolean;
  /** What is freed is overwritten and used again late, from `firstRegion` on. */
  poisons: boolean;
  firstRegion: number;
  delaySeed: number;
}

export interface HeapDescription {
  heap: NativeHeap;
  id: number;
  /** Bytes from the start of the buffer to word 0 of the heap. */
  viewOffset: number;
  regions: number;
  capacityRegions: number;
  openedBy: string;
  faultMode: string;
  marker: string;
  unitPages: number;
  faultAroundPages: number;
  /** The heap's secret, by which whatever a program chooses is hashed (heap/keyed_hash.h). Nobody is told. */
  hashLow: number;
  hashHigh: number;
}

export interface ShapeDescription {
  id: number;
  name: string;
  description: string;
}

export interface HeapCalls {
  /** `unsettled`: a byte a region, in shared memory; of mode load-barrier only. */
  create(options: CreateOptions, view: Uint8Array, sharedRoots: Uint32Array, unsettled?: Uint8Array): HeapDescription | Refusal;
  /** Null when this process has no such heap. */
  attach(id: number, view: Uint8Array, sharedRoots: Uint32Array): HeapDescription | null;
  /** How many mutators are attached besides so many of the caller's; with 0 the heap takes in nobody from now on. */
  beginClose(heap: NativeHeap, own: number): number;
  /** After `beginClose`, when nobody uses the heap and nobody is in control. */
  close(heap: NativeHeap): void;
  /** This thread no longer uses the heap. */
  release(heap: NativeHeap): void;
  /** 0 when the name is taken by another description or the table is full. */
  defineShape(
    heap: NativeHeap,
    name: string,
    description: string,
    fixedWords: number,
    referenceFields: number,
    elementKind: number,
    elementBytesLog2: number,
    taggedFields: number,
    identitySlot: number,
  ): number;
  findShape(heap: NativeHeap, nameOrId: string | number): ShapeDescription | null;
  requestCollection(heap: NativeHeap, kind: number, reason: number): number;
  collectionsEnded(heap: NativeHeap): number;
  /**
   * The number (from 1) of a claim, for exactly one caller while nobody is in control: that one starts a thread. Or one of {@link CONTROL}.
   */
  claimControl(heap: NativeHeap): number;
  /** The thread for that claim was started just now. */
  controlStarted(heap: NativeHeap, claim: number): void;
  /** The thread for that claim has failed. False when the heap is closed, or is being closed, and nobody needs to know. */
  controlFailed(heap: NativeHeap, claim: number, final: boolean, reason: string): boolean;
  /** What was said of the last failure, or nothing. */
  controlFailure(heap: NativeHeap): string;
  inControl(heap: NativeHeap): boolean;
}
