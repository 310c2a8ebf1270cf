/**
 * Refusal reasons: the same errno means different things on different machines, and each remedy helps on that machine. The machines
 * are made up.
 */
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Probe } from '../../src/binding.ts';
import { judgeModes } from '../../src/gc/fault-mode-choice.ts';
import { judgeMarkers } from '../../src/gc/markers.ts';
import { commonRemedy, kernelFaultsAdvice, openingAdvice, writeTrackingReason } from '../../src/gc/refusal-reasons.ts';

const { EACCES, EINVAL, EMFILE, ENOENT, ENOSYS, ENOTTY, EPERM } = constants.errno;
const refusal = (errno: number, syscall = 'userfaultfd') => ({ errno, syscall });
const OK = refusal(0);

function machine(changes: Partial<Probe> = {}): Probe {
  const openings = { openedBy: '/dev/userfaultfd', device: OK, systemCall: OK, userModeOnly: OK, handshake: OK };
  const features = { features: 0x1ffff, minorFaults: true, signalDelivery: true, copying: true, asyncWriteProtection: true };
  return { ...openings, ...features, writeTracking: OK, kernel: '6.18.1', kernelHasUserfaultfd: true, popcnt: true, ...changes };
}

/** Nothing opens it: /dev/userfaultfd is not there, the calls are refused with that number. */
const closed = (errno: number, changes: Partial<Probe> = {}): Probe =>
  machine({
    ...{ openedBy: 'none', device: refusal(ENOENT, 'open(/dev/userfaultfd)'), systemCall: refusal(errno), userModeOnly: refusal(errno) },
    ...{ minorFaults: false, signalDelivery: false, copying: false, asyncWriteProtection: false, writeTracking: refusal(errno) },
    ...changes,
  });

const markerRemark = (probe: Probe): string => judgeMarkers(probe, false, 'x64')[0]!.remark;
const modeRemark = (probe: Probe): string => judgeModes(probe)[0]!.remark;

describe('EPERM for userfaultfd', () => {
  it('is a seccomp profile on a kernel where any user may have it, and no setting of the kernel helps', () => {
    for (const text of [modeRemark(closed(EPERM)), markerRemark(closed(EPERM)), openingAdvice(closed(EPERM))]) {
      expect(text).toMatch(/seccomp profile.*--device \/dev\/userfaultfd.*seccomp=PROFILE/);
      expect(text).not.toMatch(/unprivileged_userfaultfd|CAP_SYS_PTRACE|or newer/);
    }
  });

  it('is not answered with a device that the kernel does not have yet', () => {
    const advice = openingAdvice(closed(EPERM, { kernel: '5.15.0-generic' }));
    expect(advice).toMatch(/seccomp=PROFILE/);
    expect(advice).not.toContain('/dev/userfaultfd');
  });

  it('on a kernel without minor faults is answered with a newer kernel', () => {
    expect(openingAdvice(closed(EPERM, { kernel: '5.10.1' }))).toMatch(/5\.14 or newer.*this is 5\.10\.1/);
  });

  it('when only faults in user mode are delivered is answered with a privilege', () => {
    expect(kernelFaultsAdvice(machine())).toMatch(/\/dev\/userfaultfd.*CAP_SYS_PTRACE.*vm\.unprivileged_userfaultfd=1/);
    expect(kernelFaultsAdvice(machine({ kernel: '5.15.0' }))).not.toContain('/dev/userfaultfd');
  });
});

describe('ENOSYS for userfaultfd', () => {
  it('is a sandbox where the kernel has its setting, and a kernel built without it where not', () => {
    expect(openingAdvice(closed(ENOSYS))).toMatch(/^a sandbox hides the system call.*--device/);
    expect(openingAdvice(closed(ENOSYS, { kernelHasUserfaultfd: false }))).toBe('this kernel is built without CONFIG_USERFAULTFD');
  });
});

describe('EMFILE', () => {
  it('is a limit of the process, wherever it comes from', () => {
    for (const probe of [closed(EMFILE), closed(EPERM, { device: refusal(EMFILE, 'open(/dev/userfaultfd)') })]) {
      expect(openingAdvice(probe)).toContain('ulimit -n');
    }
    expect(writeTrackingReason(machine({ writeTracking: refusal(EMFILE, 'open(/proc/self/pagemap)') }))).toContain('ulimit -n');
    expect(commonRemedy(EMFILE)).toContain('ulimit -n');
  });
});

describe('marking without a barrier', () => {
  it('asks for Linux 6.7 on an older kernel only', () => {
    for (const [errno, syscall] of [
      [EINVAL, 'ioctl(UFFDIO_API)'],
      [ENOTTY, 'ioctl(PAGEMAP_SCAN)'],
    ] as const) {
      const writeTracking = refusal(errno, syscall);
      expect(markerRemark(machine({ writeTracking, kernel: '6.6.30' }))).toMatch(/Linux 6\.7 or newer.*this is 6\.6\.30/);
      expect(markerRemark(machine({ writeTracking, kernel: '7.0.1' }))).toMatch(/since 6\.7, but this one \(7\.0\.1\) is built without/);
      expect(markerRemark(machine({ writeTracking }))).not.toContain('or newer');
    }
  });

  it.each([EACCES, EPERM])('that may not read its own page map (%i) is told about that file, not about kernels', (errno) => {
    const remark = markerRemark(machine({ writeTracking: refusal(errno, 'open(/proc/self/pagemap)') }));
    expect(remark).toMatch(/open\(\/proc\/self\/pagemap\): E(ACCES|PERM).*could be debugged.*set-user-ID/);
    expect(remark).not.toMatch(/Linux|newer|seccomp/);
  });

  it('without /proc is told to mount it', () => {
    expect(markerRemark(machine({ writeTracking: refusal(ENOENT, 'open(/proc/self/pagemap)') }))).toContain('mount /proc');
  });

  it('whose scan a profile forbids is told so', () => {
    expect(markerRemark(machine({ writeTracking: refusal(EPERM, 'ioctl(PAGEMAP_SCAN)') }))).toMatch(/EPERM.*seccomp/);
  });
});

describe('a descriptor without minor faults', () => {
  it('is of an old kernel, of one that was built so, or its handshake was refused', () => {
    expect(modeRemark(machine({ minorFaults: false, kernel: '5.13.0' }))).toMatch(/Linux 5\.14 or newer.*this is 5\.13\.0/);
    expect(modeRemark(machine({ minorFaults: false }))).toMatch(/since 5\.14, but this one \(6\.18\.1\) is built without/);
    const handshake = refusal(EPERM, 'ioctl(UFFDIO_API)');
    expect(modeRemark(machine({ minorFaults: false, handshake }))).toMatch(/UFFDIO_API\): EPERM.*seccomp/);
  });
});
