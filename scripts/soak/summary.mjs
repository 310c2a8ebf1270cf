/**
 * Summary: what was done in which configurations.
 */
import Table from 'cli-table3';

const COUNTED = ['operations', 'comparisons', 'cycles', 'compacting', 'exhausted', 'noMemory', 'deaths', 'refusals', 'cuts'];
const GROUPS = {
  'fault mode': ({ heap }) => heap.fault,
  marker: ({ heap }) => heap.marker,
  capacity: ({ heap }) => sizeClass(Number.parseInt(heap.capacityBytes, 10)),
  'GC workers': ({ heap }) => String(heap.workers),
  threads: ({ load }) => (load.threads <= 2 ? '1–2' : load.threads <= 5 ? '3–5' : '6–8'),
  ending: ({ load }) => load.ending,
  'shared heaps': ({ load }) => (load.guests ? `${load.heaps}` : 'one a thread'),
  'lost CPUs': ({ heap }) => yesNo(heap.delaySeed > 0),
  'cut JavaScript': ({ load }) => yesNo(load.cuts),
  stress: ({ heap }) => (heap.stressEvery === 0 ? 'no' : heap.stressFaults ? 'with faults' : 'without faults'),
};

const yesNo = (value) => (value ? 'yes' : 'no');

function sizeClass(mib) {
  return mib <= 2 ? '1–2 MiB' : mib <= 16 ? '3–16 MiB' : mib <= 64 ? '24–64 MiB' : '96–256 MiB';
}

/** Rounds, and the sums of what they did, by each property of the configurations. */
export function summarize(rounds) {
  return Object.entries(GROUPS).flatMap(([group, of]) => {
    const values = [...new Set(rounds.map(({ configuration }) => of(configuration)))].sort();
    return values.map((value) => {
      const members = rounds.filter(({ configuration }) => of(configuration) === value);
      const sums = Object.fromEntries(COUNTED.map((name) => [name, members.reduce((sum, { figures }) => sum + (figures?.[name] ?? 0), 0)]));
      return { group, value, rounds: members.length, ...sums };
    });
  });
}

export function asTable(rows) {
  const table = new Table({ head: ['', '', 'rounds', ...COUNTED], style: { head: [], border: [] }, colAligns: ['left', 'left'] });
  rows.forEach((row, i) => {
    table.push([
      rows[i - 1]?.group === row.group ? '' : row.group,
      row.value,
      row.rounds,
      ...COUNTED.map((name) => row[name].toLocaleString('en')),
    ]);
  });
  return table.toString();
}
