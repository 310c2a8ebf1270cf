// A graph of a million nodes by raw access: fields are elements of typed arrays, references are numbers, and JavaScript has no object for
// any node.
import { Heap } from 'faultline';

const NODES = 1_000_000;
const heap = Heap.create({ capacityBytes: '96M' });
const mutator = heap.attachMutator();
const { u32 } = mutator;

const Node = heap.defineShape({ name: 'node', fields: { left: 'ref', right: 'ref', distance: 'u32' } });
const Table = heap.defineShape({ name: 'table', elements: 'ref' });
const { left, right, distance } = Node.offsets;
const BEGIN = Table.elementsOffset;

const table = mutator.handle(mutator.allocate(Table, NODES));
for (let i = 0; i < NODES; i++) {
  const node = mutator.allocate(Node); // a safepoint: all that was read before may be elsewhere now
  u32[mutator.get(table) * 2 + BEGIN + i] = node;
}

let state = 1;
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * NODES);
};

// From here to the end of the search there is no safepoint, so every reference stays what it is.
const nodes = mutator.get(table) * 2 + BEGIN;
for (let i = 0; i < NODES; i++) {
  const node = u32[nodes + i] * 2;
  u32[node + left] = u32[nodes + random()];
  u32[node + right] = u32[nodes + random()];
}

const first = u32[nodes];
const found = new Uint32Array(NODES); // in the order in which they are found
let count = 0;
/** @type {(node: number, at: number) => void} */
const visit = (node, at) => {
  if (u32[node * 2 + distance] !== 0) return;
  u32[node * 2 + distance] = at;
  found[count++] = node;
};
visit(first, 1);
for (let i = 0; i < count; i++) {
  const node = found[i] * 2;
  visit(u32[node + left], u32[node + distance] + 1);
  visit(u32[node + right], u32[node + distance] + 1);
}
const farthest = u32[found[count - 1] * 2 + distance] - 1;
console.log(`${count} of ${NODES} nodes can be reached from the first, the farthest in ${farthest} steps`);

// Without the table, the first node is all that keeps others alive.
mutator.handle(first);
mutator.release(table);
await heap.collect({ kind: 'full' });
console.log(`after a collection there are as many: ${(await heap.verify()) === count}`);

mutator.detach();
await heap.close();
