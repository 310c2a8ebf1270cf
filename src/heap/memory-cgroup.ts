/**
 * Memory cgroup: how much memory the kernel lets the process's control group use. The limits of all groups above it apply too, while Node's
 * `process.constrainedMemory` reads only the innermost one.
 *
 *     /proc/self/cgroup        limits under /sys/fs/cgroup
 *     v2   0::/a/b             a/b/memory.max, a/memory.max, memory.max; the word max if there is no limit
 *     v1   5:memory:/a/b       the same in memory/, with memory.limit_in_bytes; more than any machine has if there is no limit
 *
 * In a container the names may be those outside of it: then only the last of the files exists, and it is the container's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @internal The lowest limit; null if there is none, or the system does not report it. `root` is the folder that contains proc and sys. */
export function cgroupLimitBytes(root = '/'): number | null {
  const limits = [...groupsOf(read(join(root, 'proc/self/cgroup')))].flatMap(({ folder, file, path }) => {
    const names = path.split('/').filter((name) => name !== '' && name !== '..');
    const chain = [...names.keys(), names.length].map((depth) => join(root, 'sys/fs/cgroup', folder, ...names.slice(0, depth), file));
    return chain.map((limit) => Number(read(limit).trim())).filter((bytes) => bytes > 0);
  });
  return limits.length === 0 ? null : Math.min(...limits);
}

/** Where the limits of the process's groups are, from the lines of /proc/self/cgroup: number, controllers, path. */
function* groupsOf(text: string): Generator<{ folder: string; file: string; path: string }> {
  for (const [, controllers, path] of text.matchAll(/^\d+:([^:\n]*):(.*)$/gm)) {
    if (controllers === '') yield { folder: '', file: 'memory.max', path: path! };
    else if (controllers!.split(',').includes('memory')) yield { folder: 'memory', file: 'memory.limit_in_bytes', path: path! };
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
