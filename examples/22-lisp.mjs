// A small Lisp. Its values are objects of the heap, and its stack is a root range: plain stores by index, and the collector rewrites the
// slots. Code is compiled to functions, each of which pushes one value.
import { Heap, isSmallInteger, smallInteger, tagSmallInteger as tag } from 'faultline';

const PROGRAM = `
  (define (range from to) (if (< to from) nil (cons from (range (+ from 1) to))))
  (define (filter keep list)
    (if list (if (keep (car list)) (cons (car list) (filter keep (cdr list))) (filter keep (cdr list))) nil))
  (define (sieve list)
    (if list (cons (car list) (sieve (filter (lambda (n) (< 0 (remainder n (car list)))) (cdr list)))) nil))
  (sieve (range 2 100))`;

// A collection at every 100th allocation: a reference that is kept too long shows at once.
const heap = Heap.create({ capacityBytes: '8M', stressEvery: 100 });
const mutator = heap.attachMutator();
const { u32 } = mutator;
const Pair = heap.defineShape({ name: 'pair', fields: { car: 'tagged', cdr: 'tagged' } });
const Closure = heap.defineShape({ name: 'closure', fields: { locals: 'tagged', code: 'u32' } });
const { car, cdr } = Pair.offsets;
const { locals, code } = Closure.offsets;

const globals = mutator.createRootRange(100);
const stack = mutator.createRootRange(10_000);
const { slots } = stack;
const LOCALS = 0; // the slot that has the list of the local variables, the innermost first
stack.used = 1;

/** @type {(value: number) => void} */
const push = (value) => {
  slots[stack.used] = value; // the slot first, then the count that makes it a root
  stack.used++;
};
const pop = () => slots[--stack.used]; // valid until the next allocation
const popInteger = () => smallInteger(pop());

/** @typedef {() => void} Code */
/** @type {Record<string, Code>} */
const PRIMITIVES = {
  cons: () => {
    const pair = mutator.allocate(Pair); // the operands may have moved: they are read after this
    u32[pair * 2 + cdr] = pop();
    u32[pair * 2 + car] = pop();
    push(pair);
  },
  car: () => push(u32[pop() * 2 + car]),
  cdr: () => push(u32[pop() * 2 + cdr]),
  '+': () => push(tag(popInteger() + popInteger())),
  '<': () => push(popInteger() > popInteger() ? tag(1) : 0),
  remainder: () => {
    const divisor = popInteger();
    push(tag(popInteger() % divisor));
  },
};

/** @type {Code[]} */
const bodies = [];
/** @type {(count: number) => void} */
const call = (count) => {
  push(u32[slots[stack.used - count - 1] * 2 + locals]);
  for (let i = 0; i < count; i++) PRIMITIVES.cons(); // the arguments, in front of the closure's variables
  const [inner, closure] = [pop(), pop()];
  push(slots[LOCALS]);
  slots[LOCALS] = inner;
  bodies[u32[closure * 2 + code]]();
  const result = pop();
  slots[LOCALS] = pop();
  push(result);
};

/** @type {string[]} */
const names = [];
/** @type {(name: string, scope: string[]) => Code} */
const compileName = (name, scope) => {
  if (name === 'nil') return () => push(0);
  if (/^\d+$/.test(name)) return () => push(tag(Number(name)));
  const depth = scope.indexOf(name);
  if (depth < 0) return () => push(globals.slots[names.indexOf(name)]);
  return () => {
    let list = slots[LOCALS];
    for (let i = 0; i < depth; i++) list = u32[list * 2 + cdr];
    push(u32[list * 2 + car]);
  };
};

/** @type {(form: any, scope: string[]) => Code} */
const compile = (form, scope) => {
  if (typeof form === 'string') return compileName(form, scope);
  const [operator, ...operands] = form;
  if (operator === 'define') {
    const [[name, ...parameters], body] = operands;
    globals.used = names.push(name);
    const lambda = compile(['lambda', parameters, body], scope);
    return () => (lambda(), (globals.slots[names.indexOf(name)] = slots[stack.used - 1]));
  }
  if (operator === 'lambda') {
    const [parameters, body] = operands;
    const number = bodies.push(compile(body, [...parameters, ...scope])) - 1;
    return () => {
      const closure = mutator.allocate(Closure);
      u32[closure * 2 + locals] = slots[LOCALS];
      u32[closure * 2 + code] = number;
      push(closure);
    };
  }
  /** @type {Code[]} */
  const values = operands.map((/** @type {any} */ operand) => compile(operand, scope));
  if (operator === 'if') return () => (values[0](), pop() === 0 ? values[2]() : values[1]());
  const primitive = PRIMITIVES[operator];
  if (primitive !== undefined) return () => (values.forEach((value) => value()), primitive());
  const procedure = compile(operator, scope);
  return () => (procedure(), values.forEach((value) => value()), call(values.length));
};

/** @type {(value: number) => string} */
const show = (value) => {
  if (isSmallInteger(value)) return String(smallInteger(value));
  const items = [];
  for (let list = value; list !== 0; list = u32[list * 2 + cdr]) items.push(show(u32[list * 2 + car]));
  return `(${items.join(' ')})`;
};

const forms = JSON.parse(
  `[${PROGRAM.trim()
    .replace(/[^\s()]+/g, '"$&"')
    .replace(/\s+/g, ',')
    .replaceAll('(', '[')
    .replaceAll(')', ']')}]`,
);
for (const form of forms) {
  stack.used = 1;
  compile(form, [])();
}
console.log(show(pop()));
console.log(`everything has moved again and again: ${heap.statistics().cycles.compacting > 10}`);

mutator.detach();
await heap.close();
