// Runs Lisp programs on a machine of examples/vm, the real one or a mutant of it, under stress: node vm-program.mjs MACHINE.mjs FAULT
// OPTIONS
//
// Prints what each comes to. The programs are small: everything moves at each safepoint.
import { pathToFileURL } from 'node:url';
import { Heap } from '../../dist/index.js';
import { compile } from '../../examples/vm/compiler.mjs';
import { Machine } from '../../examples/vm/machine.mjs';
import { read } from '../../examples/vm/reader.mjs';

export const PROGRAMS = {
  lists: [
    `(define (up n) (if (< n 1) null (cons n (up (- n 1)))))
     (define (map f list) (if (pair? list) (cons (f (car list)) (map f (cdr list))) null))
     (cons (cons 'head (cons "text" null)) (map (lambda (n) (cons n (* n n))) (up 6)))`,
    '((head text) (6 . 36) (5 . 25) (4 . 16) (3 . 9) (2 . 4) (1 . 1))',
  ],
  closures: [
    `(define (adder n word) (lambda (m) (cons (cons n m) (cons word n))))
     (define (each f list) (if (pair? list) (cons (f (car list)) (each f (cdr list))) null))
     (let ((add (adder 40 '(word))) (pair (cons 'a 'b)))
       (cons pair (cons (each add '(1 2 3)) (cons pair (cons (add 4) null)))))`,
    '((a . b) (((40 . 1) (word) . 40) ((40 . 2) (word) . 40) ((40 . 3) (word) . 40)) (a . b) ((40 . 4) (word) . 40))',
  ],
  texts: [
    `(define greeting (string-append "good" " morning"))
     (define (repeat n text) (if (= n 0) text (repeat (- n 1) (string-append text (number->string n)))))
     (define all (cons greeting (cons (repeat 5 "n") (cons (string-append (string-append "a" "b") (string-append "c" "d")) null))))
     (cons (string-length (car all)) (cons (eq? 'x (car '(x))) all))`,
    '(12 1 good morning n54321 abcd)',
  ],
  polls: [
    `(define (count n pair) (if (= n 0) pair (count (- n 1) pair)))
     (define (twice n pair) (cons (count n pair) (count n pair)))
     (twice 20 (cons "left" 'right))`,
    '((left . right) left . right)',
  ],
};

/** What a program comes to, or the error. */
export function evaluate(text, heap, mutator, Class = Machine) {
  const machine = new Class(heap, mutator);
  try {
    return machine.run(compile(read(text)));
  } catch (error) {
    return `${error.name}: ${error.message}`;
  } finally {
    for (const range of [machine.stack, machine.globals, machine.literals]) range.release();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '/').href) {
  const [machine, fault, options] = process.argv.slice(2);
  const mutant = await import(pathToFileURL(machine).href);
  const heap = Heap.create({ capacityBytes: '8M', tlabBytes: '4K', fault, workers: 0, stressEvery: 1, ...JSON.parse(options) });
  const mutator = heap.attachMutator();
  for (const [name, [text]] of Object.entries(PROGRAMS)) console.log(`${name}: ${evaluate(text, heap, mutator, mutant.Machine)}`);
  mutator.detach();
  await heap.close();
}
