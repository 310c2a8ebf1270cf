// Weak references, a weak map and finalizers: a cache whose entries go when their keys are no longer needed, and which is told so.
import { Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '16M' });
const mutator = heap.attachMutator();
const { f64 } = mutator;
const { weakMaps, weakReferences } = mutator;

const city = heap.defineShape({ name: 'city', fields: { population: 'f64' } });
const report = heap.defineShape({ name: 'report', fields: { size: 'f64' } });
const POPULATION = city.field('population').offset;

const names = ['Aachen', 'Bergen', 'Cagliari'];
const cities = names.map((_, index) => {
  const handle = mutator.handle(mutator.allocate(city));
  f64[mutator.get(handle) + POPULATION] = 100_000 * (index + 1);
  mutator.finalizeLater(mutator.get(handle), index); // a safepoint, like everything that may allocate
  return handle;
});

const cache = mutator.handle(weakMaps.allocate());
for (const handle of cities) {
  const value = mutator.allocate(report);
  weakMaps.set(mutator.get(cache), mutator.get(handle), value); // keeps the report as long as the city
}
const bergen = mutator.handle(weakReferences.allocate(mutator.get(cities[1])));

mutator.release(cities[1]);
mutator.release(cities[2]);
await heap.collect();

console.log(`Aachen's report is there: ${weakMaps.has(mutator.get(cache), mutator.get(cities[0]))}`);
console.log(`reports that went with their cities: ${heap.statistics().weak.clearedEntries}`);
console.log(`a weak reference to Bergen reads: ${weakReferences.get(mutator.get(bergen))}`);

const gone = [];
for await (const { heldValue, handle } of heap.finalizable()) {
  // The object is alive again, and complete: read it, keep it, or let it go.
  gone.push(`${names[heldValue]}, population ${f64[mutator.get(handle) + POPULATION]}`);
  mutator.release(handle);
  if (gone.length === 2) break;
}
console.log(gone.sort().join('\n'));

mutator.detach();
await heap.close();
