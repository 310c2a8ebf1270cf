// Objects of the heap as JavaScript sees them: views with a property for each field, and a cursor that walks without making any.
import { array, Heap, ref } from 'faultline';

const heap = Heap.create({ capacityBytes: '64M' });
const mutator = heap.attachMutator();

const City = heap.defineShape({ name: 'city', fields: { name: 'string', inhabitants: 'u32', at: array('f64', 2) } });
const Stop = heap.defineShape({ name: 'stop', fields: { city: ref(City), next: 'self', night: 'bool' } });

// A view holds a handle: it follows its object, and keeps it alive.
const first = heap.create(Stop, { city: heap.create(City, { name: 'Oslo', inhabitants: 717_710, at: [59.91, 10.75] }) });
const line = heap.cursor(Stop, first);

// Views made in a scope are released at its end, so that a loop needs no more handles than one iteration.
for (let i = 1; i < 10_000; i++) {
  mutator.scope(() => {
    const city = heap.create(City, { name: `place ${i}`, inhabitants: i });
    line.next = heap.create(Stop, { city, night: i % 2 === 0 });
    line.follow('next');
  });
}
line.next = first; // a circle

await heap.collect({ kind: 'full' });

const oslo = first.city;
oslo.inhabitants += 1;
console.log(`${oslo.name} has ${oslo.inhabitants} inhabitants and lies at ${[...oslo.at].join(', ')}`);

// A cursor steps along references; nothing is allocated on the way.
const stop = heap.cursor(Stop, first);
let stops = 0;
let nights = 0;
do {
  stops++;
  if (stop.night) nights++;
  stop.follow('next');
} while (!stop.isSame(first));
console.log(`${stops} stops, ${nights} of them at night`);

// The same walk by raw access: the offsets are numbers, and no safepoint lies inside the loop.
const { u8, u32 } = mutator;
const { next, night } = Stop.offsets;
let counted = 0;
const start = first.ref;
for (let at = u32[start * 2 + next]; at !== start; at = u32[at * 2 + next]) counted += u8[at * 8 + night];
console.log(`counted again: ${counted}`);

first.release(); // or `using first = …`, or the end of a scope; at the latest when JavaScript collects the view
mutator.detach();
await heap.close();
