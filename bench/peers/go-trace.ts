/**
 * The trace of Go's collector (`GODEBUG=gctrace=1`, a line a collection on standard error).
 *
 * A collection stops the world twice, at its begin (sweep termination) and at the end of marking; the line gives both lengths and the time
 * between. Its start is rounded to a millisecond, so the place of a pause is known that well and no better. Goroutines that allocate
 * while marking runs help with it (assists): that is no pause, the trace tells only its CPU time.
 */
import type { Pause } from '../harness/contract.ts';

export interface GoCollection {
  /** Since the process began. */
  readonly startNs: number;
  /** The end of its marking. */
  readonly endNs: number;
  /** `sweep termination` and `mark termination`, in ns since the process began. */
  readonly pauses: readonly Pause[];
  /** Pauses on all CPUs, background and idle marking, and assists. */
  readonly collectorCpuNs: number;
  /** The part of it that goroutines of the program did. */
  readonly assistCpuNs: number;
  /** What was found alive, in whole MiB. */
  readonly liveBytes: number;
}

const NUMBER = '([\\d.]+)';
const LINE = new RegExp(
  `^gc \\d+ @${NUMBER}s \\d+%: ${NUMBER}\\+${NUMBER}\\+${NUMBER} ms clock, ` +
    `${NUMBER}\\+${NUMBER}/${NUMBER}/${NUMBER}\\+${NUMBER} ms cpu, \\d+->\\d+->(\\d+) MB`,
);

const MS = 1e6;

/** Lines of another form are passed over: standard error belongs to the program too. */
export function parseGoTrace(text: string): GoCollection[] {
  return text.split('\n').flatMap((line) => {
    const found = LINE.exec(line);
    if (!found) return [];
    const [seconds, begin, between, end, beginCpu, assist, background, idle, endCpu, live] = found.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const startNs = seconds * 1e9;
    return {
      startNs,
      endNs: startNs + (begin + between + end) * MS,
      pauses: [
        [startNs, begin * MS, 'sweep termination'] as const,
        [startNs + (begin + between) * MS, end * MS, 'mark termination'] as const,
      ],
      collectorCpuNs: (beginCpu + assist + background + idle + endCpu) * MS,
      assistCpuNs: assist * MS,
      liveBytes: live * 2 ** 20,
    };
  });
}
