/**
 * Messages: what a userfaultfd descriptor tells, decoded from the four words of struct uffd_msg.
 *
 *     word   page-fault          fork             remap    remove   unmap
 *     0      kind, in its low byte
 *     1      flags               new descriptor   from     start    start
 *     2      address                              to       end      end
 *     3      thread                               length
 */

/** Why a thread waits for a page. */
export type FaultCause = 'missing' | 'minor' | 'write-protect' | 'read-write-protect';

/** @internal A message before it is known to which range it belongs. */
export type Message =
  | { kind: 'page-fault'; address: number; access: 'read' | 'write'; cause: FaultCause; flags: bigint; thread: number }
  | { kind: 'fork'; descriptor: number }
  | { kind: 'remap'; from: number; to: number; bytes: number }
  | { kind: 'remove' | 'unmap'; start: number; end: number }
  | { kind: 'unknown'; event: number; words: readonly bigint[] };

const FAULT = 0x12;
const FORK = 0x13;
const REMAP = 0x14;
const REMOVE = 0x15;
const UNMAP = 0x16;

const FLAG_WRITE = 1n;
const FLAG_WRITE_PROTECTED = 2n;
const FLAG_MINOR = 4n;
const FLAG_READ_WRITE_PROTECTED = 8n;

export const MESSAGE_WORDS = 4;

/** @internal */
export function decodeMessage(words: BigUint64Array): Message {
  const [head = 0n, first = 0n, second = 0n, third = 0n] = words;
  const event = Number(head & 0xffn);
  switch (event) {
    case FAULT:
      return {
        kind: 'page-fault',
        address: Number(second),
        access: first & FLAG_WRITE ? 'write' : 'read',
        cause: causeOf(first),
        flags: first,
        thread: Number(third & 0xffffffffn),
      };
    case FORK:
      return { kind: 'fork', descriptor: Number(first & 0xffffffffn) };
    case REMAP:
      return { kind: 'remap', from: Number(first), to: Number(second), bytes: Number(third) };
    case REMOVE:
      return { kind: 'remove', start: Number(first), end: Number(second) };
    case UNMAP:
      return { kind: 'unmap', start: Number(first), end: Number(second) };
    default:
      return { kind: 'unknown', event, words: [...words] };
  }
}

function causeOf(flags: bigint): FaultCause {
  if (flags & FLAG_READ_WRITE_PROTECTED) return 'read-write-protect';
  if (flags & FLAG_WRITE_PROTECTED) return 'write-protect';
  return flags & FLAG_MINOR ? 'minor' : 'missing';
}
