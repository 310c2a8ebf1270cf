// Compiler: nested arrays to code for the machine (machine.mjs); every procedure is an array of numbers.
//
//   (define name value) (define (name parameter …) body …)     a global
//   (lambda (parameter …) body …)                              closes over values; variables are never assigned
//   (if test then else) (let ((name value) …) body …) (begin …)
//   (quote datum)                                              numbers, strings, symbols, and lists of them
//   (procedure argument …)                                     a call; one at a procedure's end keeps no frame
//
// False (#f) and the end of a list are the same value, null; #t is 1. Primitives are procedures like others, where they are not called by
// name. A form that is none of these is a SyntaxError here, a name that nothing defines a ReferenceError when it is read.
import { MAX_SMALL_INTEGER, MIN_SMALL_INTEGER } from 'faultline';

// biome-ignore format: one list, in groups.
const OPERATIONS = [
  'INTEGER', 'NULL', 'LITERAL', 'LOCAL', 'FREE', 'GLOBAL', 'DEFINE', 'CLOSURE', 'CALL', 'TAIL_CALL', 'RETURN', 'JUMP', 'JUMP_IF_FALSE',
  'POP', 'SLIDE', 'HALT', 'CONS', 'CAR', 'CDR', 'IS_PAIR', 'IS_SYMBOL', 'NOT', 'ADD', 'SUBTRACT', 'MULTIPLY', 'QUOTIENT', 'REMAINDER',
  'LESS', 'EQUAL', 'APPEND', 'TEXT_OF', 'LENGTH', 'TEXT_EQUAL',
];
export const OP = Object.fromEntries(OPERATIONS.map((name, i) => [name, i]));

/** name → [operation, number of arguments] */
// biome-ignore format: a table, in groups.
const PRIMITIVES = {
  cons: ['CONS', 2], car: ['CAR', 1], cdr: ['CDR', 1], 'pair?': ['IS_PAIR', 1],
  '+': ['ADD', 2], '-': ['SUBTRACT', 2], '*': ['MULTIPLY', 2], quotient: ['QUOTIENT', 2], remainder: ['REMAINDER', 2],
  'symbol?': ['IS_SYMBOL', 1], 'null?': ['NOT', 1], not: ['NOT', 1],
  '<': ['LESS', 2], '=': ['EQUAL', 2], 'eq?': ['EQUAL', 2],
  'string-append': ['APPEND', 2], 'number->string': ['TEXT_OF', 1], 'string-length': ['LENGTH', 1],
  'string=?': ['TEXT_EQUAL', 2],
};

const CONSTANTS = { null: 0, '#f': 0, '#t': 1 };

/**
 * `{ procedures, arities, literals, globals }`: procedure 0 is the program itself. A literal is `{ text }` or `{ symbol }`; globals are
 * numbered by name.
 */
export function compile(forms) {
  const program = { procedures: [], arities: [], literals: [], globals: new Map() };
  const main = new Procedure(program, null, []);
  for (const form of forms) {
    main.expression(form, false);
    main.emit('POP');
    main.depth--;
  }
  main.emit('HALT');
  program.procedures = program.procedures.map((code) => Int32Array.from(code));
  return program;
}

class Procedure {
  constructor(program, outer, parameters) {
    this.program = program;
    this.outer = outer;
    this.code = [];
    this.index = program.procedures.push(this.code) - 1;
    program.arities.push(parameters.length);
    this.places = new Map(parameters.map((name, i) => [name, i])); // in the frame
    this.free = []; // in the closure, in this order
    this.depth = parameters.length; // of the frame at this point of the code
  }

  emit(op, ...operands) {
    this.code.push(OP[op], ...operands);
  }

  /** Leaves one value on the stack. `isTail`: nothing comes after it but the return. */
  expression(form, isTail) {
    if (Array.isArray(form) && form.length > 0) return this.list(form, isTail);
    if (form?.items !== undefined) throw new SyntaxError('a list with a dot is data: quote it');
    if (typeof form === 'string' && !this.constant(form)) return this.name(form);
    if (typeof form !== 'string') this.datum(form);
    this.depth++;
  }

  /** Whether it is one; emitted then. */
  constant(name) {
    if (!Object.hasOwn(CONSTANTS, name) || this.isLocal(name)) return false;
    if (CONSTANTS[name] === 0) this.emit('NULL');
    else this.emit('INTEGER', CONSTANTS[name]);
    return true;
  }

  /** A number, a string or the empty list. */
  datum(form) {
    if (Array.isArray(form)) this.emit('NULL');
    else if (typeof form === 'object') this.literal({ text: form.text });
    else if (form >= MIN_SMALL_INTEGER && form <= MAX_SMALL_INTEGER) this.emit('INTEGER', form);
    else throw new RangeError(`${form} is no integer from ${MIN_SMALL_INTEGER} to ${MAX_SMALL_INTEGER}`);
  }

  literal(literal) {
    this.emit('LITERAL', this.program.literals.push(literal) - 1);
  }

  isLocal(name) {
    return this.places.has(name) || this.closesOver(name);
  }

  /** What is called by that name is a primitive, neither hidden by a variable nor defined anew. */
  isPrimitive(name) {
    return Object.hasOwn(PRIMITIVES, name) && !this.isLocal(name) && !this.program.globals.has(name);
  }

  /** The value of a name. */
  name(name) {
    if (this.isPrimitive(name)) {
      const parameters = ['a', 'b'].slice(0, PRIMITIVES[name][1]);
      return this.lambda([parameters, [name, ...parameters]]);
    }
    this.variable(name);
    this.depth++;
  }

  variable(name) {
    if (this.places.has(name)) this.emit('LOCAL', this.places.get(name));
    else if (this.closesOver(name)) this.emit('FREE', this.free.indexOf(name));
    else this.emit('GLOBAL', this.global(name));
  }

  closesOver(name) {
    if (this.free.includes(name)) return true;
    if (this.outer === null || !(this.outer.places.has(name) || this.outer.closesOver(name))) return false;
    this.free.push(name);
    return true;
  }

  global(name) {
    const { globals } = this.program;
    if (!globals.has(name)) globals.set(name, globals.size);
    return globals.get(name);
  }

  list(form, isTail) {
    const [head, ...rest] = form;
    const special = { quote: 'quoted', define: 'define', lambda: 'lambda', if: 'conditional', let: 'let', begin: 'sequence' };
    if (typeof head === 'string' && Object.hasOwn(special, head) && !this.isLocal(head)) return this[special[head]](rest, isTail);
    if (typeof head === 'string' && this.isPrimitive(head)) {
      const [op, count] = PRIMITIVES[head];
      if (rest.length !== count) throw new SyntaxError(`${head} takes ${count} arguments, not ${rest.length}`);
      for (const argument of rest) this.expression(argument, false);
      this.emit(op);
      this.depth -= count - 1;
      return;
    }
    for (const part of form) this.expression(part, false);
    this.emit(isTail ? 'TAIL_CALL' : 'CALL', rest.length);
    this.depth -= rest.length;
  }

  quoted([datum, ...more]) {
    if (datum === undefined || more.length > 0) throw new SyntaxError('quote takes one datum');
    if (datum?.items !== undefined || (Array.isArray(datum) && datum.length > 0)) return this.quotedList(datum);
    if (typeof datum !== 'string') this.datum(datum);
    else if (datum !== '#t' && datum !== '#f') this.literal({ symbol: datum });
    else this.constant(datum);
    this.depth++;
  }

  quotedList(datum) {
    const { items, rest } = Array.isArray(datum) ? { items: datum, rest: [] } : datum;
    for (const item of [...items, rest]) this.quoted([item]);
    for (const _ of items) this.emit('CONS');
    this.depth -= items.length;
  }

  define([target, ...values]) {
    const name = Array.isArray(target) ? target[0] : target;
    const isComplete = Array.isArray(target) ? values.length > 0 : values.length === 1;
    if (typeof name !== 'string' || !isComplete) throw new SyntaxError('(define name value) or (define (name parameter …) body …)');
    this.global(name);
    if (Array.isArray(target)) this.lambda([target.slice(1), ...values]);
    else this.expression(values[0], false);
    this.emit('DEFINE', this.global(name));
  }

  lambda([parameters, ...body]) {
    if (!Array.isArray(parameters) || !parameters.every((name) => typeof name === 'string')) {
      throw new SyntaxError('the parameters of a procedure are a list of names');
    }
    const inner = new Procedure(this.program, this, parameters);
    inner.sequence(body, true);
    inner.emit('RETURN');
    for (const name of inner.free) {
      this.variable(name);
      this.depth++;
    }
    this.emit('CLOSURE', inner.index, inner.free.length);
    this.depth -= inner.free.length - 1;
  }

  conditional([test, then, otherwise = 'null', ...more], isTail) {
    if (then === undefined || more.length > 0) throw new SyntaxError('(if test then else)');
    this.expression(test, false);
    this.depth--;
    this.emit('JUMP_IF_FALSE', 0);
    const toElse = this.code.length - 1;
    const { depth } = this;
    this.expression(then, isTail);
    this.emit('JUMP', 0);
    const toEnd = this.code.length - 1;
    this.code[toElse] = this.code.length;
    this.depth = depth;
    this.expression(otherwise, isTail);
    this.code[toEnd] = this.code.length;
  }

  let([bindings, ...body], isTail) {
    const isBinding = (binding) => Array.isArray(binding) && binding.length === 2 && typeof binding[0] === 'string';
    if (!Array.isArray(bindings) || !bindings.every(isBinding)) throw new SyntaxError('(let ((name value) …) body …)');
    const hidden = bindings.map(([name]) => [name, this.places.get(name)]);
    const places = bindings.map(([, value]) => {
      this.expression(value, false);
      return this.depth - 1;
    });
    bindings.forEach(([name], i) => this.places.set(name, places[i]));
    this.sequence(body, isTail);
    this.emit('SLIDE', bindings.length);
    this.depth -= bindings.length;
    for (const [name, place] of hidden) {
      if (place === undefined) this.places.delete(name);
      else this.places.set(name, place);
    }
  }

  sequence(body, isTail) {
    if (body.length === 0) throw new SyntaxError('a body has at least one form');
    body.forEach((form, i) => {
      const isLast = i === body.length - 1;
      this.expression(form, isTail && isLast);
      if (isLast) return;
      this.emit('POP');
      this.depth--;
    });
  }
}
