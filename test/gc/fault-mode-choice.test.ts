/**
 * Fault modes: the choice that follows from a machine's answers. Pure: the machines are made up.
 */
import { describe, expect, it } from 'vitest';
import { AUTOMATIC_MODES, FAULT_MODE_NAMES } from '../../src/gc/fault-modes.ts';
import { bestMode, describeRefusal, errorName, judgeModes, openingAdvice } from '../../src/gc/fault-mode-choice.ts';
import type { Probe } from '../../src/binding.ts';

const OK = { errno: 0, syscall: 'userfaultfd' };
const EPERM = { errno: 1, syscall: 'userfaultfd' };
const ENOSYS = { errno: 38, syscall: 'userfaultfd' };

function machine(changes: Partial<Probe> = {}): Probe {
  return {
    openedBy: '/dev/userfaultfd',
    features: 0x1ffff,
    minorFaults: true,
    signalDelivery: true,
    copying: true,
    asyncWriteProtection: true,
    writeTracking: OK,
    device: OK,
    systemCall: OK,
    userModeOnly: OK,
    popcnt: true,
    ...changes,
  };
}

/** Of those that a heap may choose. */
const works = (probe: Probe): string[] =>
  judgeModes(probe).flatMap(({ mode, works }) => (works && AUTOMATIC_MODES.includes(mode) ? [mode] : []));
const worksForResearch = (probe: Probe): string[] =>
  judgeModes(probe).flatMap(({ mode, works }) => (works && !AUTOMATIC_MODES.includes(mode) ? [mode] : []));

describe('a machine', () => {
  it('with everything takes sigbus, and could do all', () => {
    expect(bestMode(machine())).toBe('sigbus');
    expect(works(machine())).toEqual([...AUTOMATIC_MODES]);
  });

  it.each<[string, Partial<Probe>, string, string[]]>([
    ['without signal delivery takes thread', { signalDelivery: false }, 'thread', ['thread', 'sigsegv', 'stw']],
    ['without minor faults takes sigsegv', { minorFaults: false }, 'sigsegv', ['sigsegv', 'stw']],
    [
      'that forbids userfaultfd takes sigsegv',
      { openedBy: 'none', device: EPERM, systemCall: EPERM, userModeOnly: EPERM },
      'sigsegv',
      ['sigsegv', 'stw'],
    ],
    ['with USER_MODE_ONLY still takes sigbus', { openedBy: 'userfaultfd(USER_MODE_ONLY)' }, 'sigbus', [...AUTOMATIC_MODES]],
  ])('%s', (_what, changes, best, all) => {
    expect(bestMode(machine(changes))).toBe(best);
    expect(works(machine(changes))).toEqual(all);
  });

  it('never takes a mode for research by itself', () => {
    for (const changes of [{}, { signalDelivery: false }, { minorFaults: false }, { openedBy: 'none' }]) {
      expect(AUTOMATIC_MODES).toContain(bestMode(machine(changes)));
    }
  });

  it.each<[string, Partial<Probe>, string[]]>([
    ['has everything can do all of them but move', {}, ['copy-sigbus', 'copy-thread', 'none', 'load-barrier']],
    ['does not copy into shared memory has no copy modes', { copying: false }, ['none', 'load-barrier']],
    ['does not deliver by signal copies by thread', { signalDelivery: false }, ['copy-thread', 'none', 'load-barrier']],
    ['forbids userfaultfd has those without it', { openedBy: 'none', minorFaults: false }, ['none', 'load-barrier']],
  ])('that %s (for research, on a processor that keeps memory in order)', (_what, changes, modes) => {
    expect(worksForResearch(machine(changes))).toEqual(modes);
  });

  it('judges every mode, in the order of the table', () => {
    expect(judgeModes(machine()).map(({ mode }) => mode)).toEqual(FAULT_MODE_NAMES);
  });

  it('that forbids userfaultfd is told why, and what to change', () => {
    const probe = machine({ openedBy: 'none', device: EPERM, systemCall: EPERM, userModeOnly: EPERM });
    const { remark } = judgeModes(probe).find(({ mode }) => mode === 'sigbus')!;
    expect(remark).toContain('EPERM');
    expect(remark).toContain('/dev/userfaultfd');
    expect(remark).toContain('vm.unprivileged_userfaultfd');
  });

  it('whose kernel has no userfaultfd at all is not told to change permissions', () => {
    const probe = machine({ openedBy: 'none', device: ENOSYS, systemCall: ENOSYS, userModeOnly: ENOSYS });
    expect(openingAdvice(probe)).toContain('CONFIG_USERFAULTFD');
    expect(openingAdvice(probe)).not.toContain('/dev/userfaultfd');
  });

  it('whose kernel is too old for minor faults is told which one has them', () => {
    expect(judgeModes(machine({ minorFaults: false }))[0]!.remark).toContain('5.14');
  });

  it('is told of system calls that fail on heap memory, in the modes where they do', () => {
    const [sigbus, thread] = judgeModes(machine());
    expect(sigbus!.remark).toContain('EFAULT');
    expect(thread!.remark).not.toContain('EFAULT');
    expect(judgeModes(machine({ openedBy: 'userfaultfd(USER_MODE_ONLY)' }))[1]!.remark).toContain('EFAULT');
  });
});

describe('a refusal', () => {
  it('is described by its name, also when nobody knows the number', () => {
    expect(describeRefusal(EPERM)).toBe('userfaultfd: EPERM');
    expect(describeRefusal(OK)).toBe('userfaultfd: ok');
    expect(errorName(12)).toBe('ENOMEM');
    expect(errorName(9999)).toMatch(/9999/);
  });
});
