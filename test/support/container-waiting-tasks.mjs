/**
 * Waiting tasks: what threads do to queues, locks and conditions in tests, and a task that does everything until it is terminated.
 */
import { CONDITION_ROOT, LOCK_ROOT, SUBJECT_ROOT, at, coder, litter, threadOf, valueOf } from './container-subjects.mjs';
import { makeRandom } from './random.mjs';

function produce(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const queue = at(heap, SUBJECT_ROOT);
  const { encode } = coder(heap, queue.kind);
  let produced = 0;
  ready();
  while (running()) {
    mutator.scope(() => {
      litter(heap, mutator, random);
      // A queue without a capacity is not to be filled without limit either.
      if (queue.length > 2_000) return;
      const value = encode(valueOf(data.thread, produced));
      if (random.chance(1, 2) ? queue.enqueue(value) : queue.enqueueWait(value, 20)) produced++;
      if (queue.length > queue.capacity) throw new Error(`${queue.length} elements in a queue for ${queue.capacity}`);
    });
  }
  return { produced };
}

/** Appends until the queue is closed; with `most` it closes the queue itself, after so many. */
function appendUntilClosed(heap, _mutator, { data, ready }) {
  const queue = at(heap, SUBJECT_ROOT);
  let appended = 0;
  ready();
  try {
    while (appended < (data.most ?? Infinity)) {
      queue.enqueueWait(valueOf(data.thread, appended));
      appended++;
    }
    queue.close();
  } catch (error) {
    if (error.code !== 'ERR_QUEUE_CLOSED') throw error;
  }
  return { appended };
}

/** Takes what there is until the queue is closed and empty. */
function takeUntilEnded(heap, _mutator, { ready }) {
  const queue = at(heap, SUBJECT_ROOT);
  const taken = [];
  ready();
  for (let value = queue.dequeueWait(); value !== undefined; value = queue.dequeueWait()) taken.push(value);
  return { taken };
}

/** Appends several at a time, again what there was no room for. */
function appendBatches(heap, mutator, { data, running, ready }) {
  const queue = at(heap, SUBJECT_ROOT);
  let appended = 0;
  ready();
  while (running()) {
    mutator.poll();
    appended += queue.enqueueMany(Array.from({ length: data.size }, (_, i) => valueOf(data.thread, appended + i)));
  }
  return { appended };
}

/** Takes several at a time until the queue is closed and empty. */
function takeBatches(heap, _mutator, { data, ready }) {
  const queue = at(heap, SUBJECT_ROOT);
  const batches = [];
  ready();
  for (let batch = queue.dequeueManyWait(data.most); batch.length > 0; batch = queue.dequeueManyWait(data.most)) batches.push(batch);
  return { batches };
}

/** Until nothing has come for a while after the end. */
function consume(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const queue = at(heap, SUBJECT_ROOT);
  const { decode } = coder(heap, queue.kind);
  const last = [];
  const counts = [];
  ready();
  for (let more = true; more; ) {
    mutator.scope(() => {
      litter(heap, mutator, random);
      const wasRunning = running();
      const value = random.chance(1, 2) ? queue.dequeue() : queue.dequeueWait(20);
      if (value === undefined) {
        more = wasRunning || queue.length > 0;
        return;
      }
      const number = decode(value);
      const thread = threadOf(number);
      if (number <= (last[thread] ?? -1)) throw new Error(`${number} came after ${last[thread]}`);
      last[thread] = number;
      counts[thread] = (counts[thread] ?? 0) + 1;
      for (const waiting of random.chance(1, 50) ? queue : []) decode(waiting);
    });
  }
  return { counts, sum: counts.reduce((sum, count) => sum + (count ?? 0), 0) };
}

/** Adds to two numbers of an object that must always be equal, which only the lock makes so. */
function locked(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const lock = at(heap, LOCK_ROOT);
  const array = at(heap, SUBJECT_ROOT);
  let added = 0;
  let late = 0;
  ready();
  while (running()) {
    mutator.scope(() => {
      litter(heap, mutator, random);
      if (!lock.lock(random.chance(1, 4) ? random.below(3) : Infinity)) {
        late++;
        return;
      }
      const [one, two] = [array.get(0), array.get(1)];
      if (one !== two) throw new Error(`${one} and ${two} under the lock`);
      array.set(0, one + 1);
      if (random.chance(1, 8)) litter(heap, mutator, random);
      array.set(1, two + 1);
      added++;
      lock.unlock();
    });
  }
  return { added, late };
}

/** Takes turns with the other threads: waits until the number is its own, and makes it the next one's. */
function turns(heap, mutator, { data, running, ready }) {
  const [array, lock, condition] = [SUBJECT_ROOT, LOCK_ROOT, CONDITION_ROOT].map((root) => at(heap, root));
  const random = makeRandom(data.seed);
  let taken = 0;
  ready();
  while (running()) {
    litter(heap, mutator, random);
    lock.lock();
    while (running() && array.get(0) % data.threads !== data.thread) condition.wait(lock, 50);
    if (running()) {
      array.set(0, array.get(0) + 1);
      taken++;
    }
    condition.notifyAll();
    lock.unlock();
  }
  return { taken };
}

/** Takes the lock and keeps it. */
async function holdLock(heap, _mutator, { running, ready }) {
  at(heap, LOCK_ROOT).lock();
  ready();
  while (running()) await new Promise((resolve) => setTimeout(resolve, 20));
  return {};
}

/** Waits in an empty queue, for ever. */
function waitForElement(heap, _mutator, { data, ready }) {
  ready();
  const queue = at(heap, SUBJECT_ROOT);
  return { value: data.timeoutMs === undefined ? queue.dequeueWait() : queue.dequeueWait(data.timeoutMs) };
}

/** All operations at once, until the thread is terminated. */
function everything(heap, mutator, { data, ready }) {
  const random = makeRandom(data.seed);
  const [array, numbers, queue, lock] = [0, 1, 2, 3].map((root) => at(heap, root));
  ready();
  for (let i = 0; ; i++) {
    array.push(i);
    array.set(0, i);
    if (random.chance(1, 2)) array.pop();
    numbers.set(random.below(500), i);
    numbers.delete(random.below(500));
    queue.enqueue(valueOf(data.thread, i));
    if (random.chance(1, 2)) queue.dequeue();
    if (lock.lock(100)) lock.unlock();
    if (random.chance(1, 50)) mutator.scope(() => litter(heap, mutator, random));
  }
}

export const WAITING_TASKS = {
  produce,
  consume,
  locked,
  turns,
  holdLock,
  waitForElement,
  everything,
  appendUntilClosed,
  takeUntilEnded,
  appendBatches,
  takeBatches,
};
