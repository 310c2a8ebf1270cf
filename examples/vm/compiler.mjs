// Compiler: nested arrays to code for the machine (machine.mjs); every procedure is an array of numbers.
//
//   (define name value) (define (name parameter …) body …)     a global
//   (lambda (parameter …) body …)                              closes over values; variables are never assigned
//   (if test then else) (let ((name value) …) body …) (begin …) (quote list)
//   (procedure argument …)                                     a call; one at a procedure's end keeps no frame
//
// False and the end of a list are the same value, null.

export const OPERATIONS = [
  'INTEGER', 'NULL', 'LITERAL', 'LOCAL', 'FREE', 'GLOBAL', 'DEFINE', 'CLOSURE', 'CALL', 'TAIL_CALL', 'RETURN', 'JUMP', 'JUMP_IF_FALSE',
  'POP', 'SLIDE', 'HALT', 'CONS', 'CAR', 'CDR', 'IS_PAIR', 'ADD', 'SUBTRACT', 'MULTIPLY', 'QUOTIENT', 'REMAINDER', 'LESS', 'EQUAL', 'APPEND',
  'TEXT_OF', 'LENGTH', 'TEXT_EQUAL',
];
export const OP = Object.fromEntries(OPERATIONS.map((name, i) => [name, i]));

/** name → [operation, number of arguments] */
const PRIMITIVES = {
  cons: ['CONS', 2], car: ['CAR', 1], cdr: ['CDR', 1], 'pair?': ['IS_PAIR', 1],
  '+': ['ADD', 2], '-': ['SUBTRACT', 2], '*': ['MULTIPLY', 2], quotient: ['QUOTIENT', 2], remainder: ['REMAINDER', 2],
  '<': ['LESS', 2], '=': ['EQUAL', 2], 'string-append': ['APPEND', 2], 'number->string': ['TEXT_OF', 1], 'string-length': ['LENGTH', 1],
  'string=?': ['TEXT_EQUAL', 2],
};

/** `{ procedures, literals, globals }`: procedure 0 is the program itself. */
export function compile(forms) {
  const program = { procedures: [], literals: [], globals: new Map() };
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
    if (typeof form === 'number') this.emit('INTEGER', form);
    else if (Array.isArray(form) || form === 'null') this.emit('NULL');
    else if (typeof form === 'object') this.emit('LITERAL', this.program.literals.push(form.text) - 1);
    else this.variable(form);
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
    if (Object.hasOwn(special, head)) return this[special[head]](rest, isTail);
    if (Object.hasOwn(PRIMITIVES, head)) {
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

  quoted([datum]) {
    if (!Array.isArray(datum) || datum.length === 0) return this.expression(datum, false);
    for (const item of datum) this.quoted([item]);
    this.emit('NULL');
    for (const _ of datum) this.emit('CONS');
    this.depth -= datum.length - 1;
  }

  define([target, ...values]) {
    if (Array.isArray(target)) this.lambda([target.slice(1), ...values]);
    else this.expression(values[0], false);
    this.emit('DEFINE', this.global(Array.isArray(target) ? target[0] : target));
  }

  lambda([parameters, ...body]) {
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

  conditional([test, then, otherwise = 'null'], isTail) {
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
    body.forEach((form, i) => {
      const isLast = i === body.length - 1;
      this.expression(form, isTail && isLast);
      if (isLast) return;
      this.emit('POP');
      this.depth--;
    });
  }
}
