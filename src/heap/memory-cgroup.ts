/**
 * Memory cgroup: how much memory the kernel lets the process's control group use. A limit of any group above it holds too, while
 * `process.constrainedMemory` of Node looks at the innermost one only.
 *
 *     /proc/self/cgroup        limits under /sys/fs/cgroup
 *     v2   0::/a/b             a/b/memory.max, a/memory.max, memory.max; the word max where there is none
 *     v1   5:memory:/a/b       the same in memory/, with memory.limit_in_bytes; more than any machine has where there is none
 *
 * In a container the names may be those outside of it: then only the last of the files is there, and it is the container's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @internal The lowest limit; null where there is none, or the system does not tell. `root` holds proc and sys. */
export function cgroupLimitBytes(root = '/'): number | null {
  const limits = [...groupsOf(read(join(root, 'proc/self/cgroup')))].flatMap(({ folder, file, path }) => {
    const names = path.split('/').filter((name) => name !== '' && name !== '..');
    const chain = [...names.keys(), names.length].map((depth) => join(root, 'sys/fs/cgroup', folder, ...names.slice(0, depth), file));
    return chain.map((limit) => Number(read(limit).trim())).filter((bytes) => bytes > 0);
  });
  return limits.length === 0 ? null : Math.min(...limits);
}

/** Where the process's groups have their limits, by the lines of /proc/self/cgroup: number, controllers, path. */
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
