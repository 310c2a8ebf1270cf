// A file is read into an object of the heap, and written from it, while other objects move: the object's bytes are pinned.
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '16M' });
heap.attachMutator();
const Block = heap.defineShape({ name: 'block', elements: 'u8' });
const Page = heap.defineShape({ name: 'page', fields: { number: 'u32', block: 'ref' } });

const path = join(tmpdir(), `faultline-example-${process.pid}`);
const file = await open(path, 'w+');
await file.write('thirteen examples\n'.repeat(1000));

// Other threads reach the block as they reach any object; only this one has its address.
const page = heap.create(Page, { number: 1, block: heap.createPinnable(Block, 4096) });
const pin = heap.pin(page.block);
const { address } = pin;
const [{ bytesRead }] = await Promise.all([file.read(pin.bytes, 0, 4096, 0), heap.collect({ kind: 'full' })]);
console.log(`${bytesRead} bytes read, beginning with "${Buffer.from(pin.bytes.subarray(0, 8))}"`);

page.block.elements.set(0, 'T'.charCodeAt(0)); // the same memory, seen through the heap
await Promise.all([file.write(pin.bytes, 0, 8, 0), heap.collect({ kind: 'full' })]);
const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
console.log(`the file begins with "${buffer}", the address is the same: ${pin.address === address}`);

console.log(`pinned: ${heap.statistics().pins.bytes} bytes`);
pin.release();
console.log(`released: ${pin.bytes.length} bytes to see, pinned: ${heap.statistics().pins.bytes} bytes`);

await file.close();
await rm(path);
await heap.close();
