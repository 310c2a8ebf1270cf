// Text and numbers go into the heap and come out of it as copies; the objects there move.
import { Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '16M' });
const mutator = heap.attachMutator();

const Samples = heap.defineShape({ name: 'samples', fields: { unit: 'string', total: 'i64' }, elements: 'f32' });
const samples = heap.create(Samples, { unit: 'm/s²' }, new Float32Array([9.5, 9.75, 10]));
samples.total = 2n ** 62n;
samples.elements.set(1, 9.8125);
samples.elements.copyFrom([1, 2], 1);
mutator.collect();

const out = new Float32Array(2);
samples.elements.copyTo(out, 1); // in bulk: the target has the elements' kind
console.log(`${samples.elements.length} samples in ${samples.unit}: ${[...samples.elements].join(' ')}, the last two ${out.join(' ')}`);
try {
  samples.elements.get(3);
} catch (error) {
  console.log(`${error.code}: ${error.message}`);
}

// Equal texts that are interned are one object, in all threads, so comparing references is enough.
const [one, two] = [heap.intern('shared'), heap.intern(['sha', 'red'].join(''))];
console.log(`interned: ${one.isSame(two)}, not interned: ${one.isSame(heap.string('shared'))}, same text: ${one.equals('shared')}`);
heap.dropInterned('shared'); // otherwise it stays as long as the heap

mutator.detach();
await heap.close();
