// A heap for each tenant: none can take memory from another, and what one has done is gone when its block ends, however it ends. In
// TypeScript, because plain JavaScript has `await using` only from Node 24 on.
import { Heap, HeapError } from 'faultline';

async function serve(tenant: string, words: number): Promise<string> {
  await using heap = Heap.create({ capacityBytes: '2M' });
  heap.attachMutator();
  const counts = heap.createMap('string', 'u32');
  try {
    for (let i = 0; i < words; i++) counts.increment(`word ${i}`);
    await heap.collect(); // the others go on meanwhile
    return `${tenant} has counted ${counts.size} words`;
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    return `${tenant} has counted more than ${counts.size > 1_000 ? 'a thousand' : 'none'}, then there was no room: ${error.code}`;
  }
}

const tenants = { Ada: 100, Grace: 2_000, Edsger: 1_000_000, Barbara: 500 };
const answers = await Promise.all(Object.entries(tenants).map(([tenant, words]) => serve(tenant, words)));
console.log(answers.join('\n'));
