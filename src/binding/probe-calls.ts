/**
 * Calls that describe the machine and the addon.
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
  /** errno 0: the kernel can report which pages were written. */
  writeTracking: Refusal;
  device: Refusal;
  systemCall: Refusal;
  userModeOnly: Refusal;
  /** The answer of UFFDIO_API, if userfaultfd could be opened. */
  handshake?: Refusal;
  /** Whether the kernel was built with userfaultfd, whatever a sandbox says. */
  kernelHasUserfaultfd?: boolean;
  /** The kernel's page size. */
  pageBytes?: number;
  kernel?: string;
  machine?: string;
  totalMemoryBytes?: number;
  popcnt: boolean;
}

export interface ProbeCalls {
  probe(): Probe;
  /** The kernel's answers to UFFDIO_MOVE between private anonymous pages, and into a view of a file; errno 0 if it works. */
  probeMove(): { betweenPrivate: Refusal; intoShared: Refusal };
  layout(): Record<string, number>;
  measureBareFault(heap: NativeHeap, count: number): { p50Us: number; p99Us: number; deliveryUs: number } | Refusal;
}
