/**
 * A program that starts others while its heap is compacted: node children.mjs FAULT.
 */
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Heap } from '../../../dist/index.js';
import { lengthOfList, makeFragmentedList, startVictim } from '../victims.mjs';

if (process.argv[2] === 'child') {
  process.send(process.argv[3]);
} else {
  const [fault] = process.argv.slice(2);
  const heap = Heap.create({ capacityBytes: '32M', fault, verify: true, delaySeed: 4 });
  const mutator = heap.attachMutator();
  const length = makeFragmentedList(heap, mutator, 6);
  const { worker, tell } = await startVictim(heap.token, 'collecting');
  const { worker: other, tell: tellOther } = await startVictim(heap.token, 'allocating');
  const started = [];
  for (let i = 0; i < 30; i++) {
    mutator.poll();
    if (execFileSync('/bin/echo', [String(i)]).toString() !== `${i}\n`) throw new Error('a child said something else');
    if (i % 6 === 0) {
      const child = fork(new URL(import.meta.url), ['child', String(i)]);
      started.push(once(child, 'message').then(([text]) => text === String(i) || Promise.reject(new Error(text))));
    }
    const child = spawn('/bin/cat', { stdio: 'pipe' });
    child.stdin.end('words');
    started.push(once(child, 'close'));
    if (lengthOfList(heap, mutator) !== length) throw new Error('the list is shorter');
  }
  mutator.park();
  await Promise.all(started);
  tell();
  tellOther();
  await Promise.all([worker, other].map((each) => once(each, 'exit')));
  mutator.unpark();
  await heap.collect({ kind: 'full' });
  if (lengthOfList(heap, mutator) !== length) throw new Error('the list is shorter');
  mutator.detach();
  await heap.close();
  console.log('done');
}
