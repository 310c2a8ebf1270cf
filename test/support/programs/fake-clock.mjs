/**
 * Waits with time limits in a program whose clocks stand still, as a test's fake timers make them: node fake-clock.mjs
 */
import { Heap } from '../../../dist/index.js';

const heap = Heap.create({ capacityBytes: '4M', workers: 0 });
heap.attachMutator();
const [queue, full, lock, condition] = [heap.createQueue('f64'), heap.createQueue('f64', 1), heap.createLock(), heap.createCondition()];
full.enqueue(1);
performance.now = () => 7;
Date.now = () => 7;
queue.dequeueWait(20);
full.enqueueWait(2, 20);
lock.run(() => condition.wait(lock, 20));
process.stdout.write('all waits have ended\n');
process.exit(0);
