/**
 * Leaf mistake: generated code takes an object with references from the buffer for leaves. Argument: the fault mode.
 */
import { Heap } from '../../../dist/index.js';

const heap = Heap.create({ capacityBytes: '8M', fault: process.argv[2] });
const mutator = heap.attachMutator();
const pair = heap.defineShape({ name: 'pair', fields: { a: 'ref', b: 'ref' } });
mutator.allocate(heap.defineShape({ name: 'leaf', fields: { value: 'u32' } }));
const { control, leafTop } = mutator.allocationBuffer;
const { u32 } = mutator;
const ref = control[leafTop];
u32[ref * 2] = pair.id;
control[leafTop] = ref + pair.fixedWords;
mutator.handle(ref);
process.stdout.write('taken\n');
mutator.collect();
process.stdout.write('collected\n');
