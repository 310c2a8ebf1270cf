/**
 * Law (H) explored: threads that share several heaps, in every interleaving. See thread-states.ts.
 */
import { describe, expect, it } from 'vitest';
import { explore } from './exploration.ts';
import { makeThreadSystem, type ThreadConfiguration, type ThreadMistake } from './thread-states.ts';

const LIMIT_MS = 120_000;

const CONFIGURATIONS = {
  'two threads that poll': { heaps: 2, collections: 2, threads: [[{ poll: 0 }], [{ poll: 1 }]] },
  'two threads, each waiting for memory of its heap': {
    heaps: 2,
    collections: 2,
    threads: [
      [{ memory: 0, collections: 1 }, { poll: 0 }],
      [{ memory: 1, collections: 1 }, { poll: 1 }],
    ],
  },
  'one thread that waits, one that polls': {
    heaps: 2,
    collections: 2,
    threads: [
      [
        { memory: 0, collections: 2 },
        { memory: 1, collections: 2 },
      ],
      [{ poll: 1 }],
    ],
  },
  'three heaps': {
    heaps: 3,
    collections: 1,
    threads: [
      [{ memory: 0, collections: 1 }, { poll: 2 }],
      [{ memory: 1, collections: 1 }, { poll: 1 }],
    ],
  },
} as const satisfies Record<string, ThreadConfiguration>;

describe('threads that are mutators of the same heaps', () => {
  it.each(Object.entries(CONFIGURATIONS))(
    'all come to their end, wait parked everywhere, and run in no pause: %s',
    (_name, configuration) => {
      const { failure, ends, states } = explore(makeThreadSystem(configuration));
      expect(failure, failure?.trace.join('\n')).toBeUndefined();
      expect(ends).toBeGreaterThan(0);
      expect(states).toBeGreaterThan(500);
    },
    LIMIT_MS,
  );
});

/** The law that each mistake breaks. */
const MISTAKES: Readonly<Record<ThreadMistake, { law: string; in: keyof typeof CONFIGURATIONS }>> = {
  'a wait parks the mutator of its own heap only': { law: 'H', in: 'two threads, each waiting for memory of its heap' },
  'coming back keeps what it has while it waits for the rest': { law: 'H', in: 'two threads that poll' },
  'coming back does not look for a request': { law: 'C', in: 'two threads that poll' },
  'a poll looks at its own heap only': { law: 'progress', in: 'one thread that waits, one that polls' },
};

describe('the exploration finds', () => {
  it.each(Object.entries(MISTAKES))(
    '%s',
    (mistake, { law, in: name }) => {
      const { failure } = explore(makeThreadSystem({ ...CONFIGURATIONS[name], mistake: mistake as ThreadMistake }));
      expect(failure?.law, failure?.trace.join('\n')).toBe(law);
    },
    LIMIT_MS,
  );

  it.each(['a wait parks the mutator of its own heap only', 'coming back keeps what it has while it waits for the rest'] as const)(
    'that nobody goes on: %s, and nobody looks at the law',
    (mistake) => {
      const configuration = CONFIGURATIONS['two threads, each waiting for memory of its heap'];
      const { failure } = explore({ ...makeThreadSystem({ ...configuration, mistake }), check() {} });
      expect(failure?.law, failure?.trace.join('\n')).toBe('progress');
    },
    LIMIT_MS,
  );
});
