/**
 * Calls that make, share and close heaps, define their shapes, and request collections; any thread.
 */
import type { NativeHeap } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** HeapInstance::Control of native/node/instance.h, negated: there is a control thread; one is starting; no thread tries any more. */
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
  /** Freed memory is overwritten and reused as late as possible; allocation begins at `firstRegion`. */
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
  /** The heap's secret, with which values that a program chooses are hashed (heap/keyed_hash.h). Never revealed. */
  hashLow: number;
  hashHigh: number;
}

export interface ShapeDescription {
  id: number;
  name: string;
  description: string;
}

export interface HeapCalls {
  /** `unsettled`: a byte per region, in shared memory; only for mode load-barrier. */
  create(options: CreateOptions, view: Uint8Array, sharedRoots: Uint32Array, unsettled?: Uint8Array): HeapDescription | Refusal;
  /** Null when this process has no such heap. */
  attach(id: number, view: Uint8Array, sharedRoots: Uint32Array): HeapDescription | null;
  /** How many mutators are attached besides `own` mutators of the caller; if 0, no thread can attach from now on. */
  beginClose(heap: NativeHeap, own: number): number;
  /** After `beginClose`, when no thread uses the heap and there is no control thread. */
  close(heap: NativeHeap): void;
  /** This thread no longer uses the heap. */
  release(heap: NativeHeap): void;
  /** Returns 0 if the name has another description or the table is full. */
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
    isLeaf: boolean,
  ): number;
  findShape(heap: NativeHeap, nameOrId: string | number): ShapeDescription | null;
  requestCollection(heap: NativeHeap, kind: number, reason: number): number;
  collectionsEnded(heap: NativeHeap): number;
  /**
   * The number (from 1) of a claim, for exactly one caller while there is no control thread: that caller starts one. Otherwise one of
   * {@link CONTROL}.
   */
  claimControl(heap: NativeHeap): number;
  /** The thread for that claim was started just now. */
  controlStarted(heap: NativeHeap, claim: number): void;
  /** The thread for that claim has failed. False if the heap is closed, or being closed, so that the failure does not matter. */
  controlFailed(heap: NativeHeap, claim: number, final: boolean, reason: string): boolean;
  /** The reason of the last failure, or nothing. */
  controlFailure(heap: NativeHeap): string;
  inControl(heap: NativeHeap): boolean;
}
