/**
 * bench:objects: what objects cost to those who program against them, as ratios against plain JavaScript in the same run.
 *
 *     npm run bench:objects [-- --quick] [-- --json]
 *
 * Absolute times belong to the machine and the moment; read the ratios, on a quiet machine. No figure makes the command fail.
 */
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { measureContainerOperations } from './container-operations.ts';
import { measureListWalk } from './list-walk.ts';
import { measureObjectOperations } from './object-operations.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } });

const walk = await measureListWalk(1_000_000, values.quick ? 6 : 20);
const operations = [
  ...(await measureObjectOperations(values.quick ? 30 : 150)),
  ...(await measureContainerOperations(values.quick ? 30 : 150)),
];
const machine = { node: process.version, kernel: release(), cpu: cpus()[0]?.model ?? '?', cpus: cpus().length };

if (values.json) {
  process.stdout.write(`${JSON.stringify({ machine, walk, operations }, null, 2)}\n`);
} else {
  const walks = new Table({
    head: ['list of a million nodes', 'ns a node', 'against', 'ratio', 'goal', ''],
    style: { head: [], border: [] },
  });
  const row = (what: string, ns: number, against: string, floorNs: number, goal: number): void => {
    const ratio = ns / floorNs;
    const cells = [what, ns.toFixed(2), `${against}, ${floorNs.toFixed(2)} ns`, `${ratio.toFixed(2)} x`];
    walks.push([...cells, `<= ${goal} x`, ratio <= goal ? 'yes' : 'no']);
  };
  row('raw access', walk.rawNs, 'Int32Array', walk.int32ArrayNs, 1.3);
  row('cursor', walk.cursorNs, 'plain objects', walk.plainObjectsNs, 5);
  const costs = new Table({ head: ['operation', 'ns', 'plain JavaScript, ns'], style: { head: [], border: [] } });
  for (const { operation, ns, plainNs } of operations) costs.push([operation, ns.toFixed(1), plainNs?.toFixed(1) ?? '']);
  process.stdout.write(`${walks.toString()}\n${costs.toString()}\n`);
  process.stdout.write(`Node ${machine.node}, Linux ${machine.kernel}, ${machine.cpus} x ${machine.cpu}\n`);
}
