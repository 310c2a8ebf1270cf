// A pipeline of three stages: this thread makes jobs and collects results, two workers compute. The queues in between hold 64 jobs, so
// whoever is ahead waits; and each stage ends because the one before closes its queue.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { definition, Heap } from 'faultline';

/** @import { HeapQueue, View } from 'faultline' */

const JOB = definition({ name: 'job', fields: { number: 'u32', steps: 'u32' } });
/** @typedef {HeapQueue<View<typeof JOB>>} Jobs */

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  heap.attachMutator();
  const Job = heap.defineShape(JOB);
  const [waiting, done] = [heap.createQueue(Job, 64), heap.createQueue(Job, 64)];
  const start = () => {
    const data = { token: heap.token, waiting: heap.offer(waiting), done: heap.offer(done) };
    return once(new Worker(new URL(import.meta.url), { workerData: data }), 'exit');
  };
  const workers = Promise.all([start(), start()]).then(() => done.close());

  const produce = async () => {
    for (let number = 1; number < 10_000; number++) {
      const job = heap.create(Job, { number });
      await waiting.enqueueAsync(job); // waits for room; the event loop turns meanwhile
      job.release();
    }
    waiting.close();
  };
  const report = async () => {
    let [longest, steps, results] = [0, 0, 0];
    for await (const job of done) {
      results++;
      if (job !== null && job.steps > steps) [longest, steps] = [job.number, job.steps];
      job?.release();
    }
    console.log(`${results} results; from ${longest} it takes most steps to 1, which is ${steps}`);
  };
  await Promise.all([produce(), workers, report()]);
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  /** @type {Jobs} */
  const waiting = heap.redeem(workerData.waiting);
  /** @type {Jobs} */
  const done = heap.redeem(workerData.done);
  // Undefined when the queue is closed and empty. A wait blocks this thread, but no collection.
  for (let job = waiting.dequeueWait(); job; job = waiting.dequeueWait()) {
    let steps = 0;
    for (let n = job.number; n !== 1; n = n % 2 === 0 ? n / 2 : 3 * n + 1) steps++;
    job.steps = steps;
    done.enqueueWait(job);
    job.release();
  }
  await heap.close();
}
