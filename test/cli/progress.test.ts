/** The progress line: on a terminal only, and gone afterwards. */
import type { WriteStream } from 'node:tty';
import { expect, it } from 'vitest';
import { Progress } from '../../src/cli/run/progress.ts';

function stream(isTTY: boolean): { written: string[]; stream: WriteStream } {
  const written: string[] = [];
  return { written, stream: { isTTY, columns: 20, write: (text: string) => written.push(text) } as unknown as WriteStream };
}

it('a terminal gets one line, cut to its width, which is taken away in the end', () => {
  const terminal = stream(true);
  const progress = new Progress(terminal.stream);
  progress.show(() => 'a line that is longer than the terminal is wide');
  progress.show(() => 'too soon for another one');
  progress.clear();
  progress.clear();
  expect(terminal.written).toEqual(['\r\x1b[Ka line that is long', '\r\x1b[K']);
});

it('anything else gets nothing, and the line is not even made', () => {
  const pipe = stream(false);
  const progress = new Progress(pipe.stream);
  progress.show(() => {
    throw new Error('made');
  });
  progress.clear();
  expect(pipe.written).toEqual([]);
});
