// What keeps an object alive? A snapshot of the heap tells, in Chrome's DevTools (Memory, "Load profile…") or to a program.
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '16M' });
const mutator = heap.attachMutator();
const Session = heap.defineShape({ name: 'session', fields: { user: 'string', previous: 'self' } });
const Cache = heap.defineShape({ name: 'cache', fields: { newest: 'ref' }, elements: 'u8' });

mutator.scope(() => {
  let newest = null;
  for (const user of ['Ada', 'Grace', 'Edsger']) newest = heap.create(Session, { user, previous: newest });
  heap.roots.slots[7] = heap.create(Cache, { newest }, 1000).ref;
});

const path = join(tmpdir(), `faultline-example-${process.pid}.heapsnapshot`);
const { objects, references, bytes } = await heap.writeSnapshot(path);
console.log(`${objects} objects, ${references} references, ${bytes} bytes`);

// The format is V8's: rows of numbers, described by `meta`.
const { snapshot, nodes, edges, strings } = JSON.parse(await readFile(path, 'utf8'));
const {
  node_fields: nodeFields,
  edge_fields: edgeFields,
  edge_types: [edgeTypes],
} = snapshot.meta;
const nameOf = (node) => strings[nodes[node + nodeFields.indexOf('name')]];
const edgesFrom = new Map(); // an edge does not say where it starts: the first node's come first
for (let node = 0, edge = 0; node < nodes.length; node += nodeFields.length) {
  const end = edge + nodes[node + nodeFields.indexOf('edge_count')] * edgeFields.length;
  edgesFrom.set(node, [edge, end]);
  edge = end;
}

const heldBy = new Map(); // breadth first, from the root: a shortest path to each node
const queue = [0];
for (const node of queue) {
  const [from, end] = edgesFrom.get(node);
  for (let edge = from; edge < end; edge += edgeFields.length) {
    const [type, name, to] = edges.slice(edge, edge + edgeFields.length);
    if (edgeTypes[type] === 'weak' || heldBy.has(to)) continue;
    heldBy.set(to, { node, name: edgeTypes[type] === 'element' ? `[${name}]` : strings[name] });
    queue.push(to);
  }
}
const way = [];
const ada = queue.find((node) => nameOf(node) === 'Ada');
for (let step = heldBy.get(ada); step !== undefined; step = heldBy.get(step.node)) way.unshift(step.name);
console.log(`Ada: ${way.join(' · ')}`);

await rm(path);
await heap.close();
