// What a heap reports about itself: its own events, node:diagnostics_channel, and a performance entry per cycle.
import { subscribe } from 'node:diagnostics_channel';
import { PerformanceObserver } from 'node:perf_hooks';
import { DIAGNOSTICS, Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '32M', performanceMeasures: true });

const order = [];
heap.on('event', (event) => {
  if (event.type === 'phase') order.push(`phase ${event.phase}`);
  else if (event.type === 'pause') order.push(`pause ${event.pause}`);
  else order.push(event.type);
});

const pauses = [];
subscribe(DIAGNOSTICS.pause, (event) => pauses.push(event));

const measures = [];
const observer = new PerformanceObserver((list) => measures.push(...list.getEntries()));
observer.observe({ entryTypes: ['measure'] });

const mutator = heap.attachMutator();
const blob = heap.defineShape({ name: 'blob', elements: 'u8' });
const kept = [];
for (let i = 0; i < 4_000; i++) {
  const ref = mutator.allocate(blob, 1_000);
  if (i % 8 === 0) kept.push(mutator.handle(ref));
}
const summary = await heap.collect({ kind: 'compact' });
await new Promise(setImmediate); // the observer is told in a later turn of the event loop

console.log(order.join('\n'));
console.log(`\nthe collection took ${summary.cycles} cycle; live: ${(summary.liveBytes / 1024).toFixed(0)} KiB`);
console.log(`pauses published: ${pauses.map(({ pause }) => pause).join(', ')}`);
console.log(`performance entry: ${measures.map(({ name }) => name).join(', ')}`);
const { pauses: histograms } = heap.statistics();
console.log(`flip pauses counted: ${histograms.flip.count}, longest below 1 s: ${histograms.flip.maxUs < 1e6}`);

observer.disconnect();
mutator.detach();
await heap.close();
