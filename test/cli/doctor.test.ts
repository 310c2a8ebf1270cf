/** The doctor: what it prints, and that it agrees with what a heap does. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/cli/doctor/report.ts';
import { adviceFor } from '../../src/cli/doctor/advice.ts';
import { machineFacts } from '../../src/cli/doctor/machine.ts';
import { binding, type Probe } from '../../src/binding.ts';
import { Heap } from '../support/faultline.ts';
import { expectRefusal, faultline, ROOT, start } from './command.ts';

describe('faultline doctor', () => {
  it('names the mode, and every mode with what is to know about it', async () => {
    const { status, stdout, stderr } = await faultline(['doctor']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^A heap uses fault mode (sigbus|thread|sigsegv|stw) here/);
    for (const word of [
      'sigbus',
      'thread',
      'sigsegv',
      'stw',
      'barrier-free',
      'satb',
      'stopped',
      '/dev/userfaultfd',
      'POPCNT',
      'kernel',
      'memory',
      'vm.max_map_count',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it('prints one JSON object, and picks the first mode that works', async () => {
    const { status, stdout } = await faultline(['doctor', '--json']);
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report.modes.map(({ mode }) => mode)).toEqual(['sigbus', 'thread', 'sigsegv', 'stw']);
    expect(report.mode).toBe(report.modes.find(({ works }) => works)?.mode);
    for (const { works, mode, error, bareFaultUs } of report.modes) {
      expect(error).toBeNull();
      if (works && mode !== 'stw') expect(bareFaultUs).toBeGreaterThan(0);
    }
    expect(report.markers.map(({ marker }) => marker)).toEqual(['barrier-free', 'satb', 'stopped']);
    const heap = Heap.create({ capacityBytes: '1M', workers: 0 });
    expect(heap.capabilities.marker).toBe(report.markers.find(({ works }) => works)?.marker);
    await heap.close();
    expect(report.machine).toMatchObject({ node: process.version, cpus: expect.any(Number), popcnt: expect.any(Boolean) });
  });
});

describe('a doctor', () => {
  it('of a machine with pages of 16 KiB says so in one sentence', async () => {
    const binding = new URL('../../dist/binding.js', import.meta.url).href;
    const pretend = `data:text/javascript,import{binding}from"${binding}";binding().pretendPageBytes(16384)`;
    const ended = await start(process.execPath, ['--import', pretend, join(ROOT, 'dist/cli/main.js'), 'doctor']);
    expectRefusal(ended, 'ERR_HEAP_CREATE');
    expect(ended.stderr).toMatch(/^[^\n]*pages of 4 KiB \(this one has pages of 16 KiB\)[^\n]*\n$/);
  });

  it('of a process whose memory is limited says by how much, and what to raise', async () => {
    const limited = 'data:text/javascript,process.constrainedMemory=()=>200*2**20';
    const { stdout } = await start(process.execPath, ['--import', limited, join(ROOT, 'dist/cli/main.js'), 'doctor']);
    expect(stdout).toMatch(/^ {2}memory .*, limited to 200\.0 MiB$/m);
    expect(stdout).toMatch(/^ {2}for heaps that may fill up above 200 MiB: .*cgroup memory\.max/m);
  });

  it('whose machine forbids userfaultfd warns of nothing that its report says', async () => {
    const binding = new URL('../../dist/binding.js', import.meta.url).href;
    const refuse = `data:text/javascript,import{binding}from"${binding}";binding().armRefusal("userfaultfd",1,0,1000)`;
    const { status, stdout, stderr } = await start(process.execPath, ['--import', refuse, join(ROOT, 'dist/cli/main.js'), 'doctor']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/what to change\n(.*userfaultfd.*)$/s)?.[1]?.match(/userfaultfd \(in a container/g)?.length).toBe(1);
    expect(stdout).not.toMatch(/Linux 6\.7 or newer/);
  });
});

it('a program that ends right after it has closed its heap has heard what it was warned of, once', async () => {
  const library = (name: string): string => JSON.stringify(new URL(`../../dist/${name}.js`, import.meta.url).href);
  const program = `
    import { Heap } from ${library('index')};
    import { binding } from ${library('binding')};
    binding().armRefusal('userfaultfd', 1, 0, 1000);
    for (let i = 0; i < 3; i++) await Heap.create({ capacityBytes: '1M' }).close();
    process.exit(0);`;
  const { status, stderr } = await start(process.execPath, ['--input-type=module', '-e', program]);
  expect([status, stderr.match(/FAULTLINE_DEGRADED/g)?.length]).toEqual([0, 1]);
});

describe('advice', () => {
  const probe = binding().probe();
  const refused = (errno: number) => ({ errno, syscall: 'userfaultfd' });
  const unlimited = { constrainedMemoryBytes: null, addressLimitBytes: null };
  const machine = { ...machineFacts(probe), ...unlimited, maxMapCount: 65_530, largestHeapBytes: 16 * 2 ** 30, cpus: 2 };
  const good: Probe = { ...probe, openedBy: '/dev/userfaultfd', minorFaults: true, signalDelivery: true, writeTracking: refused(0) };

  it('is not given where nothing is missing', () => {
    expect(adviceFor(good, machine)).toEqual([]);
  });

  it('says how to let a program open userfaultfd', () => {
    const closed = { ...good, openedBy: 'none', device: refused(13), systemCall: refused(1), userModeOnly: refused(1) };
    expect(adviceFor(closed, machine).join()).toContain('--device /dev/userfaultfd');
    expect(adviceFor({ ...closed, userModeOnly: refused(38) }, machine).join()).toContain('CONFIG_USERFAULTFD');
    // Once: what keeps the modes from opening userfaultfd keeps the marker from it.
    const alike = adviceFor({ ...closed, writeTracking: refused(1) }, machine).filter((line) => line.includes('--device'));
    expect(alike).toEqual([expect.stringMatching(/modes sigbus and thread, and for concurrent marking/)]);
    expect(adviceFor({ ...good, minorFaults: false }, machine).join()).toContain('5.14');
    expect(adviceFor({ ...good, writeTracking: refused(22) }, machine).join()).toContain('6.7');
  });

  it('says what keeps heaps small', () => {
    const small = { ...machine, maxMapCount: 1000, largestHeapBytes: 2 ** 30, overcommit: 2, cpus: 1 };
    const advice = adviceFor(good, small).join('\n');
    for (const word of ['vm.max_map_count', 'vm.overcommit_memory', '1 GiB', 'CPU']) expect(advice).toContain(word);
    const limited = { ...machine, largestHeapBytes: 2 ** 30, addressLimitBytes: 8 * 2 ** 30, constrainedMemoryBytes: 512 * 2 ** 20 };
    expect(adviceFor(good, limited).join('\n')).toMatch(/ulimit -v; it is 8\.0 GiB[\s\S]*above 512 MiB.*cgroup/);
  });
});
