/**
 * Summary: a report as text that fits one screen and can be read in ten seconds; the verdict first.
 */
import Table from 'cli-table3';
import type { Mismatch } from './checker.ts';
import type { RunReport } from './report.ts';
import { mib } from '../sizes.ts';

const NO_BORDERS = Object.fromEntries(
  ['top', 'bottom', 'left', 'right'].flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`]).map((part) => [part, '']),
);

export function summaryOf(report: RunReport): string {
  const { input, heap, fault, cycles, mutators, check, pages, durations } = report;
  const full = `${mib(heap.fileBytesBefore)} → ${mib(heap.fileBytesAfter)} by a full collection`;
  const built = pages.builtByWorkers + pages.builtByMutators;
  const byMutators = built === 0 ? 0 : (100 * pages.builtByMutators) / built;
  const rows: [string, string][] = [
    ['input', `${input.path}: ${count(input.objects)} objects, ${count(input.references)} references, ${mib(input.bytes)}`],
    [
      'ran',
      `${(durations.runMs / 1000).toFixed(1)} s${report.interrupted ? ' (interrupted)' : ''}, ${mutators.threads} mutators, ` +
        `${count(mutators.operations)} operations (${count(mutators.operationsPerSecond)} a second), seed ${report.seed}`,
    ],
    ['at the end', `${count(check.objects)} objects and ${count(check.references)} references checked from the roots`],
    [
      'heap',
      `capacity ${mib(heap.capacityBytes)}, live ${mib(heap.liveBytes)} (${mib(heap.peakLiveBytes)} at most), ` +
        `file ${mib(heap.peakFileBytes)} at most; ${full}`,
    ],
    [
      'cycles',
      `${count(cycles.count)}, ${count(cycles.compacting)} compacting: ${mib(cycles.evacuatedBytes)} evacuated, ` +
        `${mib(cycles.copiedBytes)} of it alive and copied, ${count(cycles.inPlacePages)} pages in place`,
    ],
    ['triggers', triggersText(report.triggers)],
    ['marking', markingText(report.marking)],
    ['stalls', stallsText(report.stalls)],
    [
      'faults',
      `mode ${fault.mode}${fault.requestedMode === fault.mode ? '' : ` (${fault.requestedMode})`}, ` +
        `${byMutators.toFixed(1)} % of ${count(built)} pages built by mutators, ${count(pages.copyCalls)} UFFDIO_COPY`,
    ],
    [
      'utilization',
      `at worst ${Object.entries(report.utilization)
        .map(([windowMs, share]) => `${(share * 100).toFixed(0)} % in ${windowMs} ms`)
        .join(', ')}`,
    ],
  ];
  if (input.payloadCap.cappedObjects > 0) rows.splice(1, 0, ['', payloadCapText(input.payloadCap)]);
  if (mutators.exhausted > 0) {
    rows.push(['exhausted', `${count(mutators.exhausted)} allocations failed for lack of room; a larger --heap avoids it`]);
  }
  const facts = rows.map(([name, text]) => `${name.padEnd(12)}${text}`);
  return [verdict(report), '', ...facts, '', durationTable(report), ''].join('\n');
}

export function totalChecks({ mutators, check }: RunReport): { checks: number; mismatches: number } {
  return { checks: mutators.checks + check.objects + check.references, mismatches: mutators.mismatches + check.mismatches };
}

/** A mismatch, with everything that is known about it. */
export function mismatchText(mismatch: Mismatch): string {
  const { thread, doing, node, fromNode, fromSlot, what, expected, found, ref } = mismatch;
  const who = thread < 0 ? 'main thread' : `mutator ${thread}`;
  const way = fromNode < 0 ? 'a root' : `node ${fromNode}, slot ${fromSlot}`;
  return `${who}, ${doing}: node ${node}, reached from ${way}, has ${what} ${found} instead of ${expected} (at word ${ref})`;
}

function verdict(report: RunReport): string {
  const { checks, mismatches } = totalChecks(report);
  const head = `${count(mismatches)} mismatches in ${count(checks)} checks`;
  return mismatches === 0 ? `${head}: nothing was lost.` : `${head}: OBJECTS WERE LOST OR DAMAGED.`;
}

function payloadCapText({ capBytes, cappedObjects, leftOutBytes }: RunReport['input']['payloadCap']): string {
  const objects = cappedObjects === 1 ? '1 object' : `${count(cappedObjects)} objects`;
  return `payload is capped at ${mib(capBytes)} an object: ${objects} cut, ${mib(leftOutBytes)} left out`;
}

function markingText({ marker, rounds, writtenPages, loggedReferences, objects, objectsPerSecond }: RunReport['marking']): string {
  const again =
    marker === 'barrier-free'
      ? `; ${count(writtenPages)} written pages looked at again, ${count(rounds)} rounds`
      : marker === 'satb'
        ? `; ${count(loggedReferences)} references logged by the write barrier`
        : '';
  return `marker ${marker}, ${(objects / 1e6).toFixed(1)} million objects, ${(objectsPerSecond / 1e6).toFixed(1)} million a second${again}`;
}

/** The reasons for collections, the most frequent first. */
function triggersText(triggers: RunReport['triggers']): string {
  const happened = Object.entries(triggers).filter(([, times]) => times > 0);
  happened.sort(([, a], [, b]) => b - a);
  return happened.map(([reason, times]) => `${count(times)} ${reason}`).join(', ') || 'none';
}

function stallsText({ count: stalls, totalMs, maxMs }: RunReport['stalls']): string {
  if (stalls === 0) return 'none: no thread had to wait for memory';
  return `${count(stalls)} waits for memory, ${time(totalMs * 1000)} altogether, ${time(maxMs * 1000)} at most`;
}

function durationTable({ marking, pauses, faults }: RunReport): string {
  const table = new Table({
    head: ['', 'count', 'p50', 'p99', 'max'],
    chars: { ...NO_BORDERS, mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  const row = (name: string, of: { count: number; p50Us: number; p99Us: number; maxUs: number }): void => {
    table.push([name, count(of.count), time(of.p50Us), time(of.p99Us), time(of.maxUs)]);
  };
  row('flip pause', pauses.flip);
  if (marking.marker === 'stopped') {
    row('mark pause', pauses.mark);
  } else {
    row('mark start pause', pauses.markStart);
    row('remark pause', pauses.remark);
  }
  row('time to safepoint', pauses.timeToSafepoint);
  row('page fault', faults);
  table.push(['  without work', '', time(faults.bareP50Us), '', '']);
  return table.toString();
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function time(microseconds: number): string {
  if (microseconds < 1000) return `${microseconds.toFixed(1)} us`;
  if (microseconds < 1e6) return `${(microseconds / 1000).toFixed(1)} ms`;
  return `${(microseconds / 1e6).toFixed(2)} s`;
}
