/** Masks and messages of the kernel, known and unknown ones. */
import { describe, expect, it } from 'vitest';
import { FEATURE_BITS, FEATURES, PAGE_CATEGORIES, REGISTER_MODES } from '../../src/pages/abi.ts';
import { decodeBits, encodeBits } from '../../src/pages/bit-names.ts';
import { decodeMessage } from '../../src/pages/messages.ts';
import { progressOf, refused } from '../../src/pages/refused.ts';

describe('a mask', () => {
  it('keeps the bits that nobody here knows', () => {
    const features = decodeBits(0x8000_0000_0001_0000n | (1n << 40n), FEATURE_BITS);
    expect(features.names).toEqual(['move']);
    expect(features.unknown).toBe((1n << 63n) | (1n << 40n));
    expect(features.has('move') && !features.has('poison')).toBe(true);
  });

  it('has the bits that are requested by name and by number', () => {
    expect(encodeBits('features', ['wp-async', 'rwp', 1n << 40n], FEATURE_BITS)).toBe((1n << 15n) | (1n << 17n) | (1n << 40n));
    expect(encodeBits('modes', ['missing', 'minor', 'read-write-protect'], REGISTER_MODES)).toBe(0b1101n);
    expect(encodeBits('categories', ['written', 'accessed'], PAGE_CATEGORIES)).toBe(0x202n);
  });

  it.each([[['nothing' as never]], [[-1n]], [[1n << 64n]], ['missing' as never]])('is refused with what cannot be in it: %s', (values) => {
    expect(() => encodeBits('modes', values, REGISTER_MODES)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
  });

  it('has each feature at the place of its bit', () => {
    expect(FEATURES).toHaveLength(19);
    const bits = FEATURES.map(({ name }) => encodeBits('features', [name], FEATURE_BITS));
    expect(bits).toEqual(bits.map((_, bit) => 1n << BigInt(bit)));
    // As the kernel's header has them.
    expect(decodeBits(0x1ffffn, FEATURE_BITS).names.at(-1)).toBe('move');
  });
});

describe('a message', () => {
  const message = (event: bigint, ...words: bigint[]) => decodeMessage(BigUint64Array.from([event, ...words]));

  it.each([
    [0n, 'read', 'missing'],
    [1n, 'write', 'missing'],
    [4n, 'read', 'minor'],
    [5n, 'write', 'minor'],
    [3n, 'write', 'write-protect'],
    [8n, 'read', 'read-write-protect'],
    [9n, 'write', 'read-write-protect'],
    [0x101n, 'write', 'missing'],
  ])('of a fault with the flags %s is a %s of a page that is %s', (flags, access, cause) => {
    const decoded = message(0x12n, flags, 0x7fff_1234_5000n, 42n);
    expect(decoded).toEqual({ kind: 'page-fault', access, cause, flags, address: 0x7fff_1234_5000, thread: 42 });
  });

  it.each([
    [0x13n, { kind: 'fork', descriptor: 1 }],
    [0x14n, { kind: 'remap', from: 1, to: 2, bytes: 3 }],
    [0x15n, { kind: 'remove', start: 1, end: 2 }],
    [0x16n, { kind: 'unmap', start: 1, end: 2 }],
    [0x17n, { kind: 'unknown', event: 0x17, words: [0x17n, 1n, 2n, 3n] }],
  ])('with the number %s', (event, decoded) => {
    expect(message(event, 1n, 2n, 3n)).toEqual(decoded);
  });

  it('is known by its lowest byte', () => {
    expect(message(0xffff_ff13n, 5n, 0n, 0n)).toEqual({ kind: 'fork', descriptor: 5 });
  });
});

describe('a refusal', () => {
  it('says why, and what to do instead', () => {
    const error = refused('ERR_UFFD_REFUSED', 'registering', { errno: 16, syscall: 'ioctl(UFFDIO_REGISTER)' });
    expect(error.message).toBe(
      'registering: ioctl(UFFDIO_REGISTER) was refused (EBUSY). Why: another descriptor has registered the range. ' +
        'What to do: unregister it there first.',
    );
    expect(error).toMatchObject({ code: 'ERR_UFFD_REFUSED', errno: 16, syscall: 'ioctl(UFFDIO_REGISTER)' });
  });

  it('is an answer if something was done, or if it tells how things are', () => {
    expect(progressOf('a fill', 'ioctl(UFFDIO_COPY)', 4096, 0)).toEqual({ bytes: 4096 });
    expect(progressOf('a fill', 'ioctl(UFFDIO_COPY)', 0, 17)).toEqual({ bytes: 0, error: 'EEXIST' });
    expect(progressOf('a fill', 'ioctl(UFFDIO_CONTINUE)', 4096, 22)).toEqual({ bytes: 4096, error: 'EINVAL' });
    expect(() => progressOf('a fill', 'ioctl(UFFDIO_CONTINUE)', 0, 22)).toThrow(/a fill: .*EINVAL.*whole pages/);
  });
});
