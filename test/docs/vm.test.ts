/** The machine of examples/vm: its programs come to what they should while everything moves, in every fault mode. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds, third } from '../support/modes.ts';
import { evaluate } from '../support/vm-program.mjs';

const MAIN = fileURLToPath(new URL('../../examples/vm/main.mjs', import.meta.url));

function run(...args: readonly (string | number)[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args.map(String)], { encoding: 'utf8', timeout: 120_000 });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

describe('the machine', () => {
  it('runs its programs', () => {
    const lines = run('auto').split('\n');
    expect(lines[0]).toBe('queens: 92, as expected; 29856 objects, 109539 calls');
    expect(lines[1]).toMatch(/^primes: \(541 523 .*\), as expected; /);
    expect(lines[2]).toMatch(/^words: \(\(three \. 400\) .*\), as expected; /);
  });

  it.each(third(MODES, 1))(
    'comes to the same under stress, with everything that it holds moving (fault mode %s)',
    (mode) => {
      const printed = run(mode, rounds(20, 100));
      expect(printed.match(/as expected/g)).toHaveLength(3);
      expect(printed).toContain('moved: true');
      // Nothing is kept by mistake.
      expect(printed).toContain('alive at the end: 0 bytes');
    },
    130_000,
  );
});

describe("a form of the machine's Lisp", () => {
  it.each([
    ['a quoted symbol is a symbol', "(car '(a b))", 'a'],
    ['symbols of one name are one object', "(cons (eq? 'a (car '(a))) (eq? 'a 'b))", '(1)'],
    [
      'what is quoted may have dots, quotes, texts and names of special forms in it',
      `'(if (x . "y") 'z () null)`,
      '(if (x . y) (quote z) () null)',
    ],
    ['symbols are told from other values', `(cons (symbol? 'a) (cons (symbol? "a") (cons (pair? 'a) (symbol? null))))`, '(1 () ())'],
    ['true and false have names', '(cons #t (cons #f (not #f)))', '(1 () . 1)'],
    [
      'primitives are values',
      "(define (map f list) (if (pair? list) (cons (f (car list)) (map f (cdr list))) null)) (map car '((1) (2)))",
      '(1 2)',
    ],
    ['variables hide primitives and special forms', '((lambda (car if) (car if)) (lambda (n) (+ n 1)) 2)', '3'],
    ['a global may be defined after the procedure that reads it', "(define (f) later) (define later 'now) (f)", 'now'],
    ['an undefined global is an error', '(cons nobody null)', 'ReferenceError: nobody is not defined'],
    ['so is a procedure that nothing defines', '(nobody 1)', 'ReferenceError: nobody is not defined'],
    ['a call has as many arguments as parameters', '(define (f x) x) (f)', 'TypeError: a procedure of 1 parameters is called with 0'],
    ['only procedures are called', "('a 1)", 'TypeError: a is no procedure'],
    ['a symbol is no pair, text or number', "(car 'a)", 'TypeError: a is no pair'],
    ['numbers are small integers', '99999999999', 'RangeError: 99999999999 is no integer from -1073741824 to 1073741823'],
    ['parentheses match', "(car '(a)))", 'SyntaxError: a parenthesis is closed that was not opened'],
    ['all of them', "(car '(a)", 'SyntaxError: a parenthesis is not closed'],
    ['a quote quotes something', "'", 'SyntaxError: the text ends where something is expected'],
    ['a body has a form', '(lambda (x))', 'SyntaxError: a body has at least one form'],
    ['what is malformed is said', '(let ((x)) x)', 'SyntaxError: (let ((name value) …) body …)'],
  ])('%s', (_law, text, expected) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw', workers: 0, stressEvery: 1 });
    expect(evaluate(text, heap, mutator)).toBe(expected);
  });
});
