// Time series of sensors. A weak map has the readings of each sensor as long as somebody has the sensor; a finalizer tells of sensors that
// are gone, so that what they had outside of the heap can go, too.
import { Heap } from 'faultline';

const KEPT = 1_000;
const heap = Heap.create({ capacityBytes: '16M' });
const mutator = heap.attachMutator();
const { weakMaps } = mutator;
const Sensor = heap.defineShape({ name: 'sensor', fields: { place: 'string' } });
const Series = heap.defineShape({ name: 'series', fields: { count: 'u32' }, elements: 'f64' });

const sensors = heap.createMap('string', Sensor);
const seriesOf = mutator.handle(weakMaps.allocate());
const files = ['cellar.log', 'garden.log', 'attic.log'];

for (const [number, file] of files.entries()) {
  mutator.scope(() => {
    const place = file.replace('.log', '');
    const sensor = heap.create(Sensor, { place });
    const series = heap.create(Series, {}, KEPT);
    weakMaps.set(mutator.get(seriesOf), sensor.ref, series.ref);
    mutator.finalizeLater(sensor.ref, number); // the number of its file comes out when the sensor is gone
    sensors.set(place, sensor);
  });
}

const series = heap.cursor(Series);
/** @type {(place: string) => boolean} */
const findSeries = (place) => {
  const sensor = sensors.get(place);
  if (!sensor) return false;
  series.moveTo(weakMaps.get(mutator.get(seriesOf), sensor.ref));
  sensor.release();
  return true;
};

for (let minute = 0; minute < 5_000; minute++) {
  for (const place of ['cellar', 'garden', 'attic']) {
    if (findSeries(place)) series.elements.set(series.count++ % KEPT, place === 'garden' ? 10 + 10 * Math.sin(minute / 229) : 12);
  }
  if (minute === 4_000) sensors.delete('attic'); // the map was all that had it
}

const readings = new Float64Array(KEPT);
findSeries('garden');
series.elements.copyTo(readings);
console.log(
  `garden: ${series.count} readings, between ${Math.min(...readings).toFixed(1)} and ${Math.max(...readings).toFixed(1)} of late`,
);
series.moveTo(null);

await heap.collect({ kind: 'full' });
for await (const { heldValue, handle = 0 } of heap.finalizable()) {
  const sensor = heap.cursor(Sensor, mutator.get(handle)); // alive once more, but in no weak map
  console.log(`${sensor.place} is gone: ${files[heldValue]} can be closed`);
  mutator.release(handle);
  break;
}
console.log(`series that went with their sensors: ${heap.statistics().weak.clearedEntries}`);

mutator.detach();
await heap.close();
