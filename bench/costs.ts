/**
 * bench:costs: measures what each operation costs, beside plain JavaScript, and writes the table into docs/costs.md.
 *
 *     npm run bench:costs [-- --quick] [-- --print]
 *
 * Medians of many turns, the heap's and JavaScript's one after the other. The table holds for one machine and one moment: run it on a
 * quiet machine. `--print` writes it to standard output instead.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureContainerOperations } from './container-operations.ts';
import { measureListWalk } from './list-walk.ts';
import { measureMutatorOperations } from './mutator-operations.ts';
import { measureObjectOperations, type OperationFigures } from './object-operations.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, print: { type: 'boolean', default: false } } });
const DOCUMENT = fileURLToPath(new URL('../../docs/costs.md', import.meta.url));
const BEGIN = '<!-- costs: begin -->';
const END = '<!-- costs: end -->';

const turns = values.quick ? 20 : 200;
const walk = await measureListWalk(1_000_000, values.quick ? 4 : 15);
const walks: OperationFigures[] = [
  { operation: 'list of a million nodes, raw, a node', ns: walk.rawNs, plain: 'in an Int32Array', plainNs: walk.int32ArrayNs },
  { operation: 'list of a million nodes, cursor, a node', ns: walk.cursorNs, plain: 'of plain objects', plainNs: walk.plainObjectsNs },
];
const groups: Record<string, OperationFigures[]> = {
  'By raw reference': [...(await measureMutatorOperations(turns)), walks[0]!],
  'Objects and strings': [...(await measureObjectOperations(turns)), walks[1]!],
  'Shared containers': await measureContainerOperations(turns),
};

const figure = (ns: number | undefined): string => (ns === undefined ? '' : ns < 10 ? ns.toFixed(1) : ns.toFixed(0));
const tables = Object.entries(groups).map(([title, figures]) => {
  const rows = figures.map(({ operation, ns, plain, plainNs }) => `| ${operation} | ${figure(ns)} | ${plain ?? ''} | ${figure(plainNs)} |`);
  return [`**${title}**`, '', '| operation | ns | plain JavaScript | ns |', '| --- | ---: | --- | ---: |', ...rows].join('\n');
});
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const machine = `Of one machine: ${cpus().length} × ${cpus()[0]?.model ?? '?'}, Linux ${release()}, Node ${process.version}, commit ${commit}.`;
const text = [machine, ...tables].join('\n\n');

if (values.print) {
  process.stdout.write(`${text}\n`);
} else {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no place for the table: ${BEGIN} … ${END}`);
  writeFileSync(DOCUMENT, `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`);
}
