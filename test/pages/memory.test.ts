/** Memory files, their mappings, and advice to processes: with the kernel's cases of process_madv. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Kind,
  KINDS,
  lacks,
  type Mapping,
  MemoryFile,
  nextFault,
  onScene,
  PAGE,
  PageMap,
  pageOf,
  privateMemory,
  ProcessHandle,
  threads,
  UserfaultFd,
} from '../support/pages.ts';

const refused = (errno: string) => expect.objectContaining({ code: 'ERR_MEMORY_REFUSED', message: expect.stringContaining(errno) });
const wrong = expect.objectContaining({ code: 'ERR_OPTION' });

describe('a memory file', () => {
  it('shows one content in all its shared mappings, and has what was written past them', () => {
    const file = MemoryFile.create({ bytes: '16K', name: 'pages-test' });
    expect([file.bytes, file.pageBytes, file.kind]).toEqual([16384, PAGE, 'memfd']);
    expect(file.allocatedBytes).toBe(0);
    const [one, two] = [file.map(), file.map({ offset: PAGE, bytes: 2 * PAGE })];
    one.bytes()[PAGE] = 7;
    expect(two.bytes()[0]).toBe(7);
    expect(file.write(Uint8Array.of(1, 2, 3), 2 * PAGE)).toBe(3);
    expect([...two.bytes(PAGE, 4)]).toEqual([1, 2, 3, 0]);
    const bytes = new Uint8Array(2);
    expect(file.read(bytes, PAGE)).toBe(2);
    expect([...bytes]).toEqual([7, 0]);
    expect(file.allocatedBytes).toBe(2 * PAGE);
    file.punch(PAGE, PAGE);
    expect(file.allocatedBytes).toBe(PAGE);
    expect(one.bytes()[PAGE]).toBe(0);
    file.close();
    file.close();
    // Mappings outlive it.
    expect(one.bytes()[2 * PAGE + 1]).toBe(2);
    for (const call of [() => file.map(), () => file.write(bytes), () => file.allocatedBytes]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_MEMORY_CLOSED' }));
    }
    expect(file.descriptor).toBeUndefined();
    one.close();
    two.close();
  });

  it.each(['zero', 'segment'] as const)('without a file shows one content in all its mappings: %s', (kind) => {
    const file = kind === 'zero' ? MemoryFile.zero({ bytes: 2 * PAGE }) : MemoryFile.segment({ bytes: 2 * PAGE });
    const [one, two] = [file.map(), file.map()];
    one.bytes()[PAGE] = 3;
    expect(two.bytes()[PAGE]).toBe(3);
    expect(() => file.write(pageOf(1))).toThrow(
      expect.objectContaining({ code: 'ERR_MEMORY_REFUSED', message: expect.stringContaining('alias') }),
    );
    expect(() => file.map({ private: true })).toThrow(wrong);
    expect(() => file.map({ bytes: PAGE })).toThrow(wrong);
    one.close();
    const three = file.map();
    expect(three.bytes()[PAGE]).toBe(3);
    for (const mapping of [two, three]) mapping.close();
    file.close();
  });

  it('may be a file of tmpfs, by its path, and no other', { skip: !existsSync('/dev/shm') }, () => {
    const folder = mkdtempSync('/dev/shm/faultline-');
    const path = join(folder, 'pages');
    const made = MemoryFile.open(path, { bytes: 3 * PAGE });
    const found = MemoryFile.open(path);
    expect([found.bytes, found.kind]).toEqual([3 * PAGE, 'file']);
    const [one, two] = [made.map(), found.map()];
    one.bytes()[2 * PAGE] = 4;
    expect(two.bytes()[2 * PAGE]).toBe(4);
    found.write(pageOf(6), 0);
    expect(one.bytes(0, 1)[0]).toBe(6);
    for (const it of [one, two, made, found]) it.close();
    rmSync(folder, { recursive: true });
    expect(() => MemoryFile.open(path)).toThrow(refused('ENOENT'));
  });

  it('on a disk is refused, with what to do', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faultline-'));
    const path = join(folder, 'file');
    writeFileSync(path, pageOf(1));
    const open = (): MemoryFile => MemoryFile.open(path);
    try {
      expect(open).toThrow(refused('/dev/shm'));
    } catch (error) {
      // This machine's temporary folder is in memory.
      if (!/expected .* to throw/.test((error as Error).message)) throw error;
    }
    rmSync(folder, { recursive: true });
  });

  it.each<[string, () => unknown]>([
    ['no size', () => MemoryFile.create({} as never)],
    ['a size of nothing', () => MemoryFile.create({ bytes: 0 })],
    ['another unit', () => MemoryFile.create({ bytes: '5 pages' })],
    ['another huge page', () => MemoryFile.create({ bytes: PAGE, huge: '3M' as never })],
    ['a key out of range', () => MemoryFile.segment({ bytes: PAGE, key: -1 })],
    ['a path that is none', () => MemoryFile.open(7 as never)],
    ['memory of no size', () => privateMemory({ bytes: -1 })],
    ['another protection', () => privateMemory({ bytes: PAGE, protection: 'write' as never })],
    ['no flag', () => privateMemory({ bytes: PAGE, inherited: 'yes' as never })],
  ])('is refused with %s', (_, make) => {
    expect(make).toThrow(wrong);
  });

  it('has whole pages of huge ones, where the machine has some', async (context) => {
    const HUGE = 2 ** 21;
    const file = MemoryFile.create({ bytes: 2 * HUGE, huge: '2M' });
    let window: Mapping;
    try {
      window = file.map();
    } catch (error) {
      expect(error).toEqual(refused('huge pages'));
      file.close();
      return context.skip('no huge pages are reserved (vm.nr_hugepages)');
    }
    const [thread] = await threads(1);
    const alias = file.map();
    const fd = UserfaultFd.open();
    const range = fd.register(window, ['missing', 'minor']);
    expect([range.pageBytes, range.can.has('zero-page'), range.can.has('continue')]).toEqual([HUGE, false, true]);
    expect(() => range.continue(0, PAGE)).toThrow(wrong);
    expect(() => range.zeroPage(0)).toThrow(/ZEROPAGE.*EINVAL/);
    expect(() => file.write(pageOf(1))).toThrow(/pwrite.*EINVAL.*mapping that is not registered/);
    alias.bytes(0, HUGE).fill(3);
    const touch = thread!.touch(window, { kind: 'read', at: 5 * PAGE });
    expect(await nextFault(fd)).toMatchObject({ offset: 0, cause: 'minor' });
    expect(range.continue(0)).toEqual({ bytes: HUGE });
    expect(await touch).toBe(3);
    expect(range.copy(HUGE, new Uint8Array(HUGE).fill(4))).toEqual({ bytes: HUGE });
    expect(window.bytes(2 * HUGE - 1, 1)[0]).toBe(4);
    fd.close();
    for (const it of [window, alias, file]) it.close();
  });
});

describe('a mapping', () => {
  it.each(Object.keys(KINDS) as Kind[])(
    'is a SharedArrayBuffer that other threads see, and plain memory after its end: %s',
    async (kind) => {
      const [thread] = await threads(1);
      const { window, alias, file } = KINDS[kind](4) as { window: Mapping; alias?: Mapping; file?: MemoryFile };
      expect(window.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(Number(window.address) % PAGE).toBe(0);
      await thread!.touch(window, { kind: 'write', at: PAGE, value: 9 });
      expect(window.bytes(PAGE, 1)[0]).toBe(9);
      const words = new Int32Array(window.buffer, window.byteOffset, 4);
      expect(Atomics.add(words, 1, 5)).toBe(0);
      expect(Atomics.notify(words, 0)).toBe(0);
      window.close();
      window.close();
      expect(window.closed).toBe(true);
      expect(await thread!.touch(window, { kind: 'pages', at: 0, count: 2 })).toEqual([0, 0]);
      new Uint8Array(window.buffer).fill(1);
      alias?.close();
      file?.close();
    },
  );

  it('of a private kind keeps what is written to itself', () => {
    const file = MemoryFile.create({ bytes: PAGE });
    const [shared, own] = [file.map(), file.map({ private: true })];
    shared.bytes()[0] = 1;
    own.bytes()[1] = 2;
    expect([...shared.bytes(0, 2)]).toEqual([1, 0]);
    expect([...own.bytes(0, 2)]).toEqual([1, 2]);
    expect([shared.isShared, own.isShared]).toEqual([true, false]);
    for (const it of [shared, own, file]) it.close();
  });

  it('takes advice for whole pages, and refuses what does not fit its memory', () => {
    const memory = privateMemory({ bytes: 4 * PAGE });
    memory.bytes().fill(1);
    memory.advise('dont-need', PAGE, PAGE);
    expect([memory.bytes()[0], memory.bytes()[PAGE]]).toEqual([1, 0]);
    expect(() => memory.advise('dont-need', 1, PAGE)).toThrow(wrong);
    expect(() => memory.advise('nothing' as never)).toThrow(wrong);
    expect(() => memory.advise('remove')).toThrow(refused('EINVAL'));
    expect(() => memory.protect('write' as never)).toThrow(wrong);
    expect(() => memory.bytes(4 * PAGE, 1)).toThrow(wrong);
    memory.close();
  });

  it('of the same size gives its pages to another', () => {
    const [from, to, other] = [2, 2, 3].map((pages) => privateMemory({ bytes: pages * PAGE }));
    from!.bytes().fill(6);
    to!.takePagesFrom(from!);
    expect([to!.bytes()[PAGE], from!.bytes()[PAGE]]).toEqual([6, 0]);
    expect(() => other!.takePagesFrom(from!)).toThrow(wrong);
    for (const mapping of [from!, to!, other!]) mapping.close();
  });

  it.skipIf(lacks() !== undefined)('overwrites no guard by poisoning, and one by filling', async (context) => {
    await onScene({ kind: 'private', modes: ['missing'] }, ({ range, window }) => {
      try {
        window.advise('guard-install', 0, 2 * PAGE);
      } catch {
        return context.skip('this kernel has no guard regions (Linux 6.13)');
      }
      expect(range.poison(0)).toEqual({ bytes: 0, error: 'EEXIST' });
      expect(range.copy(0, pageOf(1))).toEqual({ bytes: PAGE });
    });
  });
});

describe('advice to a process', () => {
  it('is for many ranges at once, and tells how far it came', () => {
    const memory = privateMemory({ bytes: 8 * PAGE });
    const own = ProcessHandle.open();
    const page = (index: number, pages = 1) => ({ mapping: memory, offset: index * PAGE, bytes: pages * PAGE });
    memory.bytes().fill(1);
    let done: unknown;
    try {
      done = own.advise([page(0), page(2, 2), page(5)], 'dont-need');
    } catch (error) {
      // Before Linux 6.13 only advice that changes nothing.
      expect(error).toEqual(refused('EINVAL'));
      own.close();
      memory.close();
      return;
    }
    expect(done).toEqual({ bytes: 4 * PAGE });
    expect(Array.from({ length: 8 }, (_, i) => memory.bytes()[i * PAGE])).toEqual([0, 1, 0, 0, 1, 0, 1, 1]);
    const gap = { address: 0x1000n, bytes: PAGE };
    expect(own.advise([page(6), gap, page(7)], 'dont-need')).toEqual({ bytes: PAGE, error: 'ENOMEM' });
    expect([memory.bytes()[6 * PAGE], memory.bytes()[7 * PAGE]]).toEqual([0, 1]);
    expect(own.advise([], 'cold')).toEqual({ bytes: 0 });
    expect(own.advise([page(0, 0)], 'cold')).toEqual({ bytes: 0 });
    own.close();
    memory.close();
  });

  it('is refused for too many ranges, with flags, and after the end of the handle', () => {
    const memory = privateMemory({ bytes: PAGE });
    const own = ProcessHandle.open();
    expect(own.advise(Array(1024).fill(memory), 'cold')).toEqual({ bytes: 1024 * PAGE });
    expect(() => own.advise(Array(1025).fill(memory), 'cold')).toThrow(refused('EINVAL'));
    expect(() => own.advise([memory], 'cold', { flags: 1 })).toThrow(refused('EINVAL'));
    expect(() => own.advise([memory], 'nothing' as never)).toThrow(wrong);
    expect(() => own.advise([7 as never], 'cold')).toThrow(wrong);
    expect(() => ProcessHandle.open(0)).toThrow(wrong);
    own.close();
    own.close();
    expect(() => own.advise([memory], 'cold')).toThrow(expect.objectContaining({ code: 'ERR_MEMORY_CLOSED' }));
    memory.close();
  });

  it('reaches another process as long as it lives, and may only change where pages are', async () => {
    const child = spawn('sleep', ['60']);
    const other = ProcessHandle.open(child.pid!);
    const map = PageMap.open({ pid: child.pid! });
    expect(map.scan === undefined).toBe(false);
    const anywhere = { address: 0x1000n, bytes: PAGE };
    expect(() => other.advise([anywhere], 'dont-need')).toThrow(refused('EINVAL'));
    expect(other.advise([anywhere], 'cold')).toEqual({ bytes: 0, error: 'ENOMEM' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(other.advise([anywhere], 'cold')).toEqual({ bytes: 0, error: 'ESRCH' });
    other.close();
    map.close();
    expect(() => ProcessHandle.open(child.pid!)).toThrow(refused('ESRCH'));
  });
});
