/**
 * The safety net under authors of runtimes: each small mistake that they can make with a reference is found by stress at once, in every
 * fault mode. A mistake is a mutant of examples/vm/machine.mjs that differs from it in a line or two; found means that a program comes to
 * something else, or that the process ends with ERR_STALE_REFERENCE or another error. The machine without a mistake is found to have none.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { PROGRAMS } from '../support/vm-program.mjs';
import { FLIPPING_MODES, RAW_LOAD_MODES, third } from '../support/modes.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const MACHINE = file('examples/vm/machine.mjs');
const SOURCE = readFileSync(MACHINE, 'utf8');
const EXPECTED = Object.entries(PROGRAMS)
  .map(([name, [, expected]]) => `${name}: ${expected}\n`)
  .join('');

/** By what is wrong: pairs of what the machine has and what the mutant has instead. */
const MUTANTS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'the car of a new pair is read before the pair is allocated': [
    ['let pair = control[TOP];', 'let pair = control[TOP];\n          const car = slots[sp - 2];'],
    ['u32[pair * 2 + CAR] = slots[sp - 1];', 'u32[pair * 2 + CAR] = car;'],
  ],
  'the cdr of a new pair is read before the pair is allocated': [
    ['let pair = control[TOP];', 'let pair = control[TOP];\n          const cdr = slots[sp - 1];'],
    ['u32[pair * 2 + CDR] = slots[sp];', 'u32[pair * 2 + CDR] = cdr;'],
  ],
  'the operands of cons are above what counts as used': [
    ['stack.used = sp;\n            pair =', 'stack.used = sp - 2;\n            pair ='],
  ],
  'the last operand of cons is above what counts as used': [
    ['stack.used = sp;\n            pair =', 'stack.used = sp - 1;\n            pair ='],
  ],
  'cons does not say how much of the stack is used': [['stack.used = sp;\n            pair =', 'pair =']],
  'what a closure captures is read before the closure is allocated': [
    ['const closure = mutator.allocate', 'const captured = slots.slice(sp - count, sp);\n          const closure = mutator.allocate'],
    ['u32[closure * 2 + CAPTURED + i] = slots[sp + i];', 'u32[closure * 2 + CAPTURED + i] = captured[i];'],
  ],
  'what a closure captures is above what counts as used': [
    ['stack.used = sp;\n          const closure', 'stack.used = sp - count;\n          const closure'],
  ],
  'the callee is read before a poll': [
    ['const at = sp - count - 1;\n', ''],
    [
      'const count = code[pc++];\n          if (++',
      'const count = code[pc++];\n          const at = sp - count - 1;\n          const callee = slots[at];\n          if (++',
    ],
    ['          const callee = slots[at];\n          if (callee', '          if (callee'],
    ['const POLL_EVERY_CALLS = 1024;', 'const POLL_EVERY_CALLS = 1;'],
  ],
  'the arguments of a call are not used yet at a poll': [
    ['stack.used = sp;\n            mutator.poll', 'stack.used = sp - count;\n            mutator.poll'],
    ['const POLL_EVERY_CALLS = 1024;', 'const POLL_EVERY_CALLS = 1;'],
  ],
  'a text that is appended is found before the result is allocated': [
    [
      'const string = this.mutator.allocate(this.string, leftLength',
      'const from = slots[left];\n    const string = this.mutator.allocate(this.string, leftLength',
    ],
    ['u16[slots[left] * 4 + offset + i]', 'u16[from * 4 + offset + i]'],
  ],
  'an operand of append is above what counts as used': [
    [
      'stack.used = sp;\n          sp--;\n          slots[sp - 1] = this.append',
      'sp--;\n          stack.used = sp;\n          slots[sp - 1] = this.append',
    ],
  ],
  'globals are no roots': [['this.globals.used = globals.size;', 'this.globals.used = 0;']],
  'literals are no roots': [['this.literals.used = i + 1;', 'this.literals.used = 0;']],
  'the running closure is kept in a variable': [
    ['let pc = 0;', 'let pc = 0;\n    let running = 0;'],
    ['u32[slots[frame - 1] * 2 + CAPTURED + code[pc++]]', 'u32[running * 2 + CAPTURED + code[pc++]]'],
    ['code = procedures[procedure];', 'code = procedures[procedure];\n          running = slots[frame - 1];'],
    ['frame = returns.pop();', 'frame = returns.pop();\n          running = slots[frame - 1];'],
  ],
};

const folder = mkdtempSync(join(tmpdir(), 'faultline-mutants-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, changes: readonly (readonly [string, string])[]): string {
  let source = SOURCE;
  for (const [has, instead] of changes) {
    expect(source, name).toContain(has);
    source = source.replace(has, () => instead);
  }
  const path = join(folder, `${name.replaceAll(/\W+/g, '-')}.mjs`);
  const imports = { "'faultline'": 'dist/index.js', "'./compiler.mjs'": 'examples/vm/compiler.mjs' };
  for (const [from, to] of Object.entries(imports)) source = source.replaceAll(from, `'${pathToFileURL(file(to)).href}'`);
  writeFileSync(path, source);
  return path;
}

/** What a process printed, or how it ended. */
async function run(machine: string, fault: string, options: object): Promise<string> {
  const child = spawn(process.execPath, [file('test/support/vm-program.mjs'), machine, fault, JSON.stringify(options)], {
    timeout: 60_000,
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data));
  child.stderr.on('data', (data: Buffer) => (text += data));
  return new Promise((resolve) => child.on('close', (status, signal) => resolve(status === 0 ? text : `${text}\n${signal ?? status}`)));
}

/** All of them in the first mode, and in the others each mutant in one. */
const mutantsOf = (mode: number) => Object.entries(MUTANTS).filter((_, i) => mode === 0 || 1 + (i % (RAW_LOAD_MODES.length - 1)) === mode);

describe.each(RAW_LOAD_MODES)('stress (fault mode %s)', (fault) => {
  it('finds no mistake in a machine that has none', async () => {
    expect(await run(MACHINE, fault, {})).toBe(EXPECTED);
    if (third(RAW_LOAD_MODES).includes(fault)) expect(await run(MACHINE, fault, { checked: true, verify: true })).toBe(EXPECTED);
  }, 120_000);

  it('finds the mutants', async () => {
    const missed: string[] = [];
    for (const [name, changes] of mutantsOf(RAW_LOAD_MODES.indexOf(fault))) {
      if ((await run(write(name, changes), fault, {})) === EXPECTED) missed.push(name);
    }
    expect(missed).toEqual([]);
  }, 120_000);
});

describe.each(third(FLIPPING_MODES, 2))('stress with faults (fault mode %s)', (fault) => {
  it('finds no mistake in a machine that has none', async () => {
    expect(await run(MACHINE, fault, { stressFaults: true, verify: true })).toBe(EXPECTED);
  }, 120_000);
});
