// A small stack machine whose values are all in the heap: node examples/vm/main.mjs [FAULT-MODE] [STRESS]
//
// STRESS: a collection at every n-th safepoint, so that everything moves all the time.
import { Heap } from 'faultline';
import { compile } from './compiler.mjs';
import { Machine } from './machine.mjs';
import { PROGRAMS } from './programs.mjs';
import { read } from './reader.mjs';

const [fault = 'auto', stress = '0'] = process.argv.slice(2);
const heap = Heap.create({ capacityBytes: '8M', tlabBytes: '4K', fault, verify: Number(stress) > 0, stressEvery: Number(stress) });
const mutator = heap.attachMutator();
for (const [name, { text, expected }] of Object.entries(PROGRAMS)) {
  const machine = new Machine(heap, mutator);
  const result = machine.run(compile(read(text)));
  const verdict = result === expected ? 'as expected' : `expected ${expected}`;
  console.log(`${name}: ${result}, ${verdict}; ${machine.allocated} objects, ${machine.calls} calls`);
  for (const range of [machine.stack, machine.globals, machine.literals]) range.release();
}
await heap.collect({ kind: 'full' });
console.log(`moved: ${heap.statistics().cycles.compacting > 0}, alive at the end: ${heap.statistics().liveBytes} bytes`);
mutator.detach();
await heap.close();
