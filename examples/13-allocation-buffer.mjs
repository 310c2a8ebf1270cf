// Allocation as generated code does it: compare and bump two words of the control block, and call only when the buffer is full.
import { Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '16M' });
const mutator = heap.attachMutator();
const { u32, f64 } = mutator;
const Pair = heap.defineShape({ name: 'pair', fields: { rest: 'ref', value: 'f64' } });
const { rest, value } = Pair.offsets;
const WORDS = Pair.words(0);
const COUNT = 0; // no elements

const { control, top, limit } = mutator.allocationBuffer; // once
const stack = mutator.createRootRange(8);
stack.used = 1; // the slot is a root from here on, and holds null

let calls = 0;
for (let i = 0; i < 500_000; i++) {
  let ref = control[top];
  if (ref + WORDS <= control[limit]) {
    u32[ref * 2 + 1] = COUNT; // count before shape: a shape of 0 means that this is not an object yet
    u32[ref * 2] = Pair.id;
    control[top] = ref + WORDS; // header before top: if it is interrupted in between, nothing has been taken
  } else {
    ref = mutator.allocate(Pair, COUNT); // a safepoint: what is needed is read from the stack again
    calls++;
  }
  f64[ref + value] = i;
  u32[ref * 2 + rest] = i % 1000 === 0 ? 0 : stack.slots[0]; // a new list every thousand
  stack.slots[0] = ref;
}

let sum = 0;
for (let ref = stack.slots[0]; ref !== 0; ref = u32[ref * 2 + rest]) sum += f64[ref + value];
console.log(`the last thousand sum up: ${sum === 499_499_500}`);
console.log(`calls for memory: fewer than one in fifty: ${calls < 10_000}`);

stack.release();
mutator.detach();
await heap.close();
