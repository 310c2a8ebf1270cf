/** A heap snapshot of a real, small program: Node itself, and a little data. About 5 MB of live heap, 0.6 s. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './command.ts';
import { scratchFolder } from './snapshot/scratch-folder.ts';

const PROGRAM = `
globalThis.kept = Array.from({ length: 5000 }, (_, i) => ({ i, text: 'item ' + i, next: [i, { i }] }));
for (const [i, item] of kept.entries()) item.before = kept[i - 1];
globalThis.long = Buffer.alloc(700_000, 'long ').toString('latin1');
require('node:v8').writeHeapSnapshot(process.argv[1]);
`;

export async function programSnapshot(): Promise<string> {
  const path = join(scratchFolder, 'program.heapsnapshot');
  const { status, stderr } = await start(process.execPath, ['-e', PROGRAM, path]);
  if (status !== 0 || !existsSync(path)) throw new Error(`no snapshot could be taken: ${stderr}`);
  return path;
}
