// Machine: runs compiled programs. Every value that a program makes is in the heap; JavaScript keeps none.
//
//   stack      a root range of tagged slots; frames lie in it, each behind the closure that runs
//   globals, literals      root ranges
//   returns    where calls return to: numbers, so an ordinary array
//
// Objects are made inline: the thread's allocation buffer is bumped here, and only a full one costs a call, which is a safepoint.
// A reference in a JavaScript variable is read again from the stack after anything that may have been one.
import { isSmallInteger, smallInteger, tagSmallInteger } from 'faultline';
import { OP } from './compiler.mjs';

const STACK_SLOTS = 1 << 20;
const ROOT_SLOTS = 4096;
const POLL_EVERY_CALLS = 1024;

/** What a small integer looks like in a slot. Arithmetic that leaves the range is an error. */
const tag = tagSmallInteger;
const TRUE = tag(1);
const NULL = 0;

export class Machine {
  constructor(heap, mutator) {
    this.mutator = mutator;
    this.pair = heap.defineShape({ name: 'vm.pair', fields: { car: 'tagged', cdr: 'tagged' } });
    this.closure = heap.defineShape({ name: 'vm.closure', fields: { procedure: 'u32' }, elements: 'tagged' });
    this.string = heap.defineShape({ name: 'vm.string', elements: 'u16' });
    this.symbol = heap.defineShape({ name: 'vm.symbol', elements: 'u16' });
    this.stack = mutator.createRootRange(STACK_SLOTS);
    this.globals = mutator.createRootRange(ROOT_SLOTS);
    this.literals = mutator.createRootRange(ROOT_SLOTS);
    this.calls = 0;
    this.allocated = 0;
  }

  /** The value of the last expression as a JavaScript string. */
  run({ procedures, arities, literals, globals }) {
    this.globals.used = globals.size;
    this.globals.slots.fill(NULL, 0, globals.size);
    this.load(literals);
    this.execute(procedures, arities, [...globals.keys()]);
    return this.show(this.stack.slots[0]);
  }

  /** Symbols of one name are one object, so that they can be compared by reference. */
  load(literals) {
    const { slots } = this.literals;
    const symbols = new Map();
    literals.forEach(({ text, symbol }, i) => {
      const made = symbols.has(symbol)
        ? slots[symbols.get(symbol)]
        : this.makeText(text ?? symbol, symbol === undefined ? this.string : this.symbol);
      slots[i] = made;
      this.literals.used = i + 1;
      if (symbol !== undefined) symbols.set(symbol, i);
    });
  }

  execute(procedures, arities, names) {
    const { mutator, stack } = this;
    const { u32 } = mutator;
    const { slots } = stack;
    const { control, top: TOP, limit: LIMIT } = mutator.allocationBuffer;
    const { id: PAIR, fixedWords: PAIR_WORDS } = this.pair;
    const [CAR, CDR] = [this.pair.field('car').offset, this.pair.field('cdr').offset];
    const { id: CLOSURE, elementsOffset: CAPTURED } = this.closure;
    const PROCEDURE = this.closure.field('procedure').offset;
    const STRING = this.string.id;
    const defined = new Uint8Array(names.length);
    const returns = [];
    let code = procedures[0];
    let pc = 0;
    let frame = 1; // slots[frame - 1] is the closure that runs
    let sp = 1; // first free slot
    slots[0] = NULL;

    for (;;) {
      switch (code[pc++]) {
        case OP.INTEGER:
          slots[sp++] = tag(code[pc++]);
          break;
        case OP.NULL:
          slots[sp++] = NULL;
          break;
        case OP.LITERAL:
          slots[sp++] = this.literals.slots[code[pc++]];
          break;
        case OP.LOCAL:
          slots[sp++] = slots[frame + code[pc++]];
          break;
        case OP.FREE:
          slots[sp++] = u32[slots[frame - 1] * 2 + CAPTURED + code[pc++]];
          break;
        case OP.GLOBAL: {
          const global = code[pc++];
          if (defined[global] === 0) throw new ReferenceError(`${names[global]} is not defined`);
          slots[sp++] = this.globals.slots[global];
          break;
        }
        case OP.DEFINE:
          defined[code[pc]] = 1;
          this.globals.slots[code[pc++]] = slots[sp - 1];
          break;
        case OP.CLOSURE: {
          const procedure = code[pc++];
          const count = code[pc++];
          stack.used = sp;
          const closure = mutator.allocate(this.closure, count);
          this.allocated++;
          u32[closure * 2 + PROCEDURE] = procedure;
          sp -= count;
          for (let i = 0; i < count; i++) u32[closure * 2 + CAPTURED + i] = slots[sp + i];
          slots[sp++] = closure;
          break;
        }
        case OP.CALL:
        case OP.TAIL_CALL: {
          const isTail = code[pc - 1] === OP.TAIL_CALL;
          const count = code[pc++];
          if (++this.calls % POLL_EVERY_CALLS === 0) {
            stack.used = sp;
            mutator.poll();
          }
          const at = sp - count - 1;
          const callee = slots[at];
          if (callee === NULL || isSmallInteger(callee) || u32[callee * 2] !== CLOSURE) {
            throw new TypeError(`${this.show(callee)} is no procedure`);
          }
          const procedure = u32[callee * 2 + PROCEDURE];
          if (arities[procedure] !== count) throw new TypeError(`a procedure of ${arities[procedure]} parameters is called with ${count}`);
          if (isTail) {
            slots.copyWithin(frame - 1, at, sp);
            sp = frame + count;
          } else {
            returns.push(code, pc, frame);
            frame = at + 1;
          }
          if (sp + 64 > STACK_SLOTS) throw new RangeError('the stack is full');
          code = procedures[procedure];
          pc = 0;
          break;
        }
        case OP.RETURN: {
          const value = slots[sp - 1];
          sp = frame - 1;
          slots[sp++] = value;
          frame = returns.pop();
          pc = returns.pop();
          code = returns.pop();
          break;
        }
        case OP.JUMP:
          pc = code[pc];
          break;
        case OP.JUMP_IF_FALSE:
          pc = slots[--sp] === NULL ? code[pc] : pc + 1;
          break;
        case OP.POP:
          // The last value of the program stays where it can be found.
          slots[0] = slots[--sp];
          break;
        case OP.SLIDE: {
          const count = code[pc++];
          slots[sp - 1 - count] = slots[sp - 1];
          sp -= count;
          break;
        }
        case OP.HALT:
          stack.used = 1;
          return;
        case OP.CONS: {
          let pair = control[TOP];
          if (pair + PAIR_WORDS <= control[LIMIT]) {
            u32[pair * 2 + 1] = 0;
            u32[pair * 2] = PAIR;
            control[TOP] = pair + PAIR_WORDS;
          } else {
            stack.used = sp;
            pair = mutator.allocate(this.pair);
          }
          this.allocated++;
          sp--;
          u32[pair * 2 + CAR] = slots[sp - 1];
          u32[pair * 2 + CDR] = slots[sp];
          slots[sp - 1] = pair;
          break;
        }
        case OP.CAR:
          slots[sp - 1] = u32[this.expect(slots[sp - 1], PAIR) * 2 + CAR];
          break;
        case OP.CDR:
          slots[sp - 1] = u32[this.expect(slots[sp - 1], PAIR) * 2 + CDR];
          break;
        case OP.IS_PAIR: {
          const value = slots[sp - 1];
          slots[sp - 1] = value !== NULL && !isSmallInteger(value) && u32[value * 2] === PAIR ? TRUE : NULL;
          break;
        }
        case OP.IS_SYMBOL: {
          const value = slots[sp - 1];
          slots[sp - 1] = value !== NULL && !isSmallInteger(value) && u32[value * 2] === this.symbol.id ? TRUE : NULL;
          break;
        }
        case OP.NOT:
          slots[sp - 1] = slots[sp - 1] === NULL ? TRUE : NULL;
          break;
        case OP.ADD:
          sp--;
          slots[sp - 1] = tag(integer(slots[sp - 1]) + integer(slots[sp]));
          break;
        case OP.SUBTRACT:
          sp--;
          slots[sp - 1] = tag(integer(slots[sp - 1]) - integer(slots[sp]));
          break;
        case OP.MULTIPLY:
          sp--;
          slots[sp - 1] = tag(integer(slots[sp - 1]) * integer(slots[sp]));
          break;
        case OP.QUOTIENT:
          sp--;
          slots[sp - 1] = tag(Math.trunc(integer(slots[sp - 1]) / integer(slots[sp])));
          break;
        case OP.REMAINDER:
          sp--;
          slots[sp - 1] = tag(integer(slots[sp - 1]) % integer(slots[sp]));
          break;
        case OP.LESS:
          sp--;
          slots[sp - 1] = integer(slots[sp - 1]) < integer(slots[sp]) ? TRUE : NULL;
          break;
        case OP.EQUAL:
          sp--;
          slots[sp - 1] = slots[sp - 1] === slots[sp] ? TRUE : NULL;
          break;
        case OP.APPEND:
          stack.used = sp;
          sp--;
          slots[sp - 1] = this.append(sp - 1, sp);
          break;
        case OP.TEXT_OF:
          stack.used = sp;
          slots[sp - 1] = this.makeText(String(integer(slots[sp - 1])));
          break;
        case OP.LENGTH:
          slots[sp - 1] = tag(u32[this.expect(slots[sp - 1], STRING) * 2 + 1]);
          break;
        case OP.TEXT_EQUAL:
          sp--;
          slots[sp - 1] = this.sameText(this.expect(slots[sp - 1], STRING), this.expect(slots[sp], STRING)) ? TRUE : NULL;
          break;
        default:
          throw new Error(`operation ${code[pc - 1]} at ${pc - 1}`);
      }
    }
  }

  expect(value, shape) {
    if (value !== NULL && !isSmallInteger(value) && this.mutator.u32[value * 2] === shape) return value;
    throw new TypeError(`${this.show(value)} is no ${shape === this.pair.id ? 'pair' : 'string'}`);
  }

  makeText(text, shape = this.string) {
    const { u16 } = this.mutator;
    const string = this.mutator.allocate(shape, text.length);
    this.allocated++;
    const first = string * 4 + shape.elementsOffset;
    for (let i = 0; i < text.length; i++) u16[first + i] = text.charCodeAt(i);
    return string;
  }

  /** Of the strings in two stack slots: allocating may move them. */
  append(left, right) {
    const { slots } = this.stack;
    const { u32, u16 } = this.mutator;
    const [leftLength, rightLength] = [left, right].map((slot) => u32[this.expect(slots[slot], this.string.id) * 2 + 1]);
    const string = this.mutator.allocate(this.string, leftLength + rightLength);
    this.allocated++;
    const offset = this.string.elementsOffset;
    const to = string * 4 + offset;
    for (let i = 0; i < leftLength; i++) u16[to + i] = u16[slots[left] * 4 + offset + i];
    for (let i = 0; i < rightLength; i++) u16[to + leftLength + i] = u16[slots[right] * 4 + offset + i];
    return string;
  }

  sameText(a, b) {
    const { u32, u16 } = this.mutator;
    const offset = this.string.elementsOffset;
    const length = u32[a * 2 + 1];
    if (u32[b * 2 + 1] !== length) return false;
    for (let i = 0; i < length; i++) if (u16[a * 4 + offset + i] !== u16[b * 4 + offset + i]) return false;
    return true;
  }

  /** No safepoint. */
  show(value) {
    const { u32, u16 } = this.mutator;
    if (value === NULL) return '()';
    if (isSmallInteger(value)) return String(smallInteger(value));
    switch (u32[value * 2]) {
      case this.symbol.id:
      case this.string.id: {
        const first = value * 4 + this.string.elementsOffset;
        return String.fromCharCode(...u16.subarray(first, first + u32[value * 2 + 1]));
      }
      case this.pair.id: {
        const items = [];
        let at = value;
        for (; at !== NULL && !isSmallInteger(at) && u32[at * 2] === this.pair.id; at = u32[at * 2 + this.pair.field('cdr').offset]) {
          items.push(this.show(u32[at * 2 + this.pair.field('car').offset]));
        }
        return `(${items.join(' ')}${at === NULL ? '' : ` . ${this.show(at)}`})`;
      }
      default:
        return 'a procedure';
    }
  }
}

function integer(value) {
  if (!isSmallInteger(value)) throw new TypeError('arithmetic is for integers');
  return smallInteger(value);
}
