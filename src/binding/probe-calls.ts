/**
 * Calls that tell what the machine and the addon are like.
 */
import type { NativeHeap } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** What this machine offers; see gc/fault-mode-choice.ts for what it means. */
export interface Probe {
  openedBy: string;
  features: number;
  minorFaults: boolean;
  signalDelivery: boolean;
  /** UFFDIO_COPY into shared memory. */
  copying: boolean;
  asyncWriteProtection: boolean;
  /** errno 0: the kernel tells which pages were written. */
  writeTracking: Refusal;
  device: Refusal;
  systemCall: Refusal;
  userModeOnly: Refusal;
  /** UFFDIO_API, where userfaultfd could be opened. */
  handshake?: Refusal;
  /** Whether the kernel was built with userfaultfd, whatever a sandbox says. */
  kernelHasUserfaultfd?: boolean;
  /** Of the kernel's pages. */
  pageBytes?: number;
  kernel?: string;
  machine?: string;
  totalMemoryBytes?: number;
  popcnt: boolean;
}

export interface ProbeCalls {
  probe(): Probe;
  /** What the kernel says to UFFDIO_MOVE between private anonymous pages, and into a view of a file; errno 0 for yes. */
  probeMove(): { betweenPrivate: Refusal; intoShared: Refusal };
  layout(): Record<string, number>;
  measureBareFault(heap: NativeHeap, count: number): { p50Us: number; p99Us: number; deliveryUs: number } | Refusal;
}
