// A checked heap finds mistakes that would otherwise show much later, or never.
import { Heap, ref } from 'faultline';

const heap = Heap.create({ capacityBytes: '16M', checked: true });
const mutator = heap.attachMutator();
const Pixel = heap.defineShape({ name: 'pixel', fields: { red: 'u8', green: 'u8', blue: 'u8' } });
const Image = heap.defineShape({ name: 'image', fields: { corner: ref(Pixel) } });
const image = heap.create(Image);
const pixel = heap.create(Pixel, { red: 255 });

/** @param {() => unknown} mistake */
function attempt(mistake) {
  try {
    mistake();
  } catch (error) {
    console.log(`${error.code}: ${error.message.replace(/;.*/, '').replace(/reference \d+/, 'reference')}`);
  }
}

attempt(() => {
  const raw = pixel.ref;
  mutator.poll(); // a safepoint: the pixel may have moved
  mutator.handle(raw);
});
attempt(() => (pixel.green = 256));
// @ts-expect-error it does not compile either
attempt(() => (image.corner = image));
attempt(() => mutator.parked(() => pixel.red));

mutator.detach();
await heap.close();
