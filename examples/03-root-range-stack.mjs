// A small stack machine. Its operand stack is a root range: plain stores by index, and the collector rewrites the slots.
import { Heap } from 'faultline';

// stressEvery collects at every 200th allocation: a reference kept in a local variable for too long shows at once.
const heap = Heap.create({ capacityBytes: '16M', stressEvery: 200 });
const mutator = heap.attachMutator();
const { u32, f64 } = mutator;

const number = heap.defineShape({ name: 'number', fields: { value: 'f64' } });
const pair = heap.defineShape({ name: 'pair', fields: { first: 'ref', second: 'ref' } });
const VALUE = number.field('value').offset;
const FIRST = pair.field('first').offset;
const SECOND = pair.field('second').offset;

const stack = mutator.createRootRange(1024);

function push(ref) {
  stack.slots[stack.used] = ref; // the slot first, then the count that makes it a root
  stack.used++;
}
const top = (depth) => stack.slots[stack.used - 1 - depth];
const drop = (count) => (stack.used -= count);

const machine = {
  number(value) {
    const ref = mutator.allocate(number);
    f64[ref + VALUE] = value;
    push(ref);
  },
  pair() {
    const ref = mutator.allocate(pair); // the operands may have moved: read the stack after this
    u32[ref * 2 + FIRST] = top(1);
    u32[ref * 2 + SECOND] = top(0);
    drop(2);
    push(ref);
  },
  sum() {
    const value = add(top(0));
    drop(1);
    machine.number(value);
  },
};

// Only reads: no safepoint inside, so raw references are fine.
function add(ref) {
  if (u32[ref * 2] === number.id) return f64[ref + VALUE];
  return add(u32[ref * 2 + FIRST]) + add(u32[ref * 2 + SECOND]);
}

machine.number(0);
for (let round = 1; round <= 100; round++) {
  for (let i = 0; i < 40; i++) machine.number(round);
  for (let i = 0; i < 40; i++) machine.pair(); // a tree of 40 pairs over the sum so far
  machine.sum();
}
console.log(`result: ${f64[top(0) + VALUE]}, as expected: ${f64[top(0) + VALUE] === 40 * ((100 * 101) / 2)}`);
console.log(`values left on the stack: ${stack.used}`);
console.log(`collections that moved objects: ${heap.statistics().cycles.compacting > 0 ? 'some' : 'none'}`);

stack.release();
mutator.detach();
await heap.close();
