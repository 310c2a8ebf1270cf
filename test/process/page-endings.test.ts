/** How threads and processes end that have to do with a userfaultfd: nobody hangs, and nobody reads a stand-in for a page. */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { lacks, UserfaultFd } from '../support/pages.ts';

/** Events of forks need a privilege. */
const MAY_FORK = ((): boolean => {
  try {
    UserfaultFd.open({ features: ['event-fork'] }).close();
    return true;
  } catch {
    return false;
  }
})();

const LIMITS = { limitMs: 30_000 };

describe.skipIf(lacks('poison') !== undefined).concurrent('a process', () => {
  it.for([
    ['touches its own page', { signal: 'SIGABRT' }, /^touching\n$/, /ERR_PAGE_NOT_LOADED: thread \d+ answers the faults/],
    ['touches a page by signal', { signal: 'SIGBUS' }, /^EFAULT\n65\n$/, /^$/],
    [
      'forks again and again',
      MAY_FORK ? { code: 0 } : { code: 1 },
      MAY_FORK ? /^(fork true ESRCH\n){2}4096\nof memory that is not inherited: undefined\n$/ : /^$/,
      MAY_FORK ? /^$/ : /CAP_SYS_PTRACE/,
    ],
    ['closes while a thread waits', { signal: 'SIGBUS' }, /^closing\n$/, /^$/],
    ['unregisters while a thread waits for half a page', { signal: 'SIGBUS' }, /^unregistering\n$/, /^$/],
    ['releases while a thread waits', { code: 0 }, /^(read 0\nended|ended\nread 0)\n$/, /^$/],
    ['exits while a thread waits', { code: 7 }, /^exit 7\n$/, /^$/],
    ['throws while a thread waits', { code: 1 }, /^$/, /Error: thrown/],
    ['ends a thread that answers', { signal: 'SIGBUS' }, /^terminating\n$/, /^$/],
    ['exits with everything open', { code: 0 }, /^5\n$/, /^$/],
    ['exits while nobody waits', { code: 3 }, /^$/, /^$/],
  ] as const)('that %s ends', async ([situation, ending, stdout, stderr]) => {
    const ended = await runProgram('page-ending', [situation], LIMITS);
    expect(ended).toMatchObject({ hung: false, ...ending });
    expect(ended.stdout).toMatch(stdout);
    expect(ended.stderr).toMatch(stderr);
  });
});
