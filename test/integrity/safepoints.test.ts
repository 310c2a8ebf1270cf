/**
 * Safepoints: for every operation, the behaviour of a checked heap after it, its doc comment and the list of docs/embedding.md
 * agree.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { read } from '../docs/markdown.ts';
import { Mutator } from '../support/faultline.ts';
import * as faultline from '../support/faultline.ts';
import { INTERNAL } from './coverage.ts';
import { type RawSubject, SAFEPOINTS, withRaw } from './safepoints.ts';
import { makeSubject } from './subject.ts';

/** Where each class is, for its doc comments. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  mutator: ['heap/mutator.ts', 'heap/slot-access.ts'],
  weakReferences: ['heap/weak-reference.ts'],
  weakMaps: ['heap/weak-map.ts'],
  heap: ['heap/object-level.ts', 'heap/heap.ts'],
  array: ['containers/heap-array.ts'],
  map: ['containers/heap-map.ts', 'containers/keyed-view.ts'],
  sortedMap: ['containers/heap-sorted-map.ts'],
  cache: ['containers/heap-cache.ts', 'containers/keyed-view.ts'],
  queue: ['containers/heap-queue.ts'],
  lock: ['containers/heap-lock.ts'],
  condition: ['containers/heap-lock.ts'],
  arrays: ['containers/arrays.ts'],
  maps: ['containers/maps.ts'],
  queues: ['containers/queues.ts'],
  locks: ['containers/locks.ts'],
  conditions: ['containers/conditions.ts'],
};

/** So much memory that none of it is used again during one operation: where an object was, another one would be taken for it. */
function makeChecked(): RawSubject {
  return withRaw(makeSubject({ capacityBytes: '64M', fault: 'stw', workers: 0, checked: true }, 2));
}

/** The code that the reference from before comes to. */
function outcome({ mutator }: RawSubject, before: number): string {
  try {
    mutator.release(mutator.handle(before));
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function isSafepointInComments(on: string, member: string): boolean | undefined {
  const text = SOURCES[on]!.map((file) => readFileSync(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)), 'utf8')).join('\n');
  const classes = { lock: /class HeapLock [\s\S]*?\n}/, condition: /class HeapCondition [\s\S]*?\n}/ };
  const within = Object.hasOwn(classes, on) ? classes[on as 'lock'].exec(text)![0] : text;
  const found = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n  (?:override |async )?(?:get |\\*)?${member}(?:<[^(]*>)?\\(`).exec(
    within,
  );
  return found === null ? undefined : /\bA safepoint\b/.test(found[1]!.replace(/\s*\n\s*\* /g, ' '));
}

describe('a checked heap', () => {
  it.each(Object.keys(SAFEPOINTS))(
    'refuses a reference from before an operation if and only if that may be a safepoint: %s',
    (on) => {
      const subject = makeChecked();
      const wrong: string[] = [];
      // The raw level's lock is held in between.
      if (on === 'conditions' || on === 'locks, at last') SAFEPOINTS['locks']!['lock']!.run(subject);
      for (const [member, { safepoint, run }] of Object.entries(SAFEPOINTS[on]!)) {
        const before = subject.mutator.get(subject.handle);
        run(subject);
        const wanted = safepoint ? 'ERR_STALE_REFERENCE' : 'accepted';
        const found = outcome(subject, before);
        if (found !== wanted) wrong.push(`${on}.${member}: ${found}, not ${wanted}`);
      }
      expect(wrong).toEqual([]);
    },
    30_000,
  );

  it('refuses after every await what was read before', async () => {
    const subject = makeChecked();
    const { heap, mutator, handle } = subject;
    const waits = {
      'an await': () => Promise.resolve(),
      'heap.collect': () => heap.collect({ kind: 'mark' }),
      'heap.verify': () => heap.verify(),
      'heap.finalizable': () => heap.finalizable().return!(),
    };
    for (const [name, wait] of Object.entries(waits)) {
      const before = mutator.get(handle);
      await wait();
      expect([name, outcome(subject, before)]).toEqual([name, 'ERR_STALE_REFERENCE']);
    }
  });
});

describe('the list of safepoints', () => {
  it('has every member of every class that has operations', () => {
    const { heap, mutator } = makeChecked();
    const { arrays, maps, queues, locks, conditions } = heap.containers;
    const classes: Readonly<Record<string, object>> = {
      mutator: Mutator.prototype,
      weakReferences: mutator.weakReferences,
      weakMaps: mutator.weakMaps,
      array: faultline.HeapArray.prototype,
      map: faultline.HeapMap.prototype,
      sortedMap: faultline.HeapSortedMap.prototype,
      cache: faultline.HeapCache.prototype,
      queue: faultline.HeapQueue.prototype,
      lock: faultline.HeapLock.prototype,
      condition: faultline.HeapCondition.prototype,
      arrays,
      maps,
      queues,
      locks,
      conditions,
      heap: Object.getPrototypeOf(faultline.Heap.prototype) as object,
    };
    const exempt = new Set(['constructor', 'shape', 'detach', 'attached', 'allocationBuffer', 'containers', 'collections']);
    const missing: string[] = [];
    const inherited = ['map', 'cache'].map((on) => [on, faultline.KeyedView.prototype] as const);
    for (const [on, it] of [...Object.entries(classes), ...inherited]) {
      const prototype = Object.hasOwn(it, 'constructor') ? it : (Object.getPrototypeOf(it) as object);
      for (const member of Object.getOwnPropertyNames(prototype)) {
        const name = `${prototype.constructor.name}.${member}`;
        if (exempt.has(member) || INTERNAL.has(name) || Object.hasOwn(SAFEPOINTS[on]!, member)) continue;
        if (on === 'locks' && Object.hasOwn(SAFEPOINTS['locks, at last']!, member)) continue;
        missing.push(`${on}.${member}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('says what the doc comments say', () => {
    const wrong: string[] = [];
    for (const on of Object.keys(SOURCES)) {
      for (const [member, { safepoint }] of Object.entries(SAFEPOINTS[on]!)) {
        const said = isSafepointInComments(on, member);
        if (said !== safepoint) wrong.push(`${on}.${member}: ${safepoint}, but its comment: ${said}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('is the list of docs/embedding.md', () => {
    const [, section] = /^### What is a safepoint\n([\s\S]*?)\n##/m.exec(read('docs/embedding.md'))!;
    const listed = Object.fromEntries(
      [...section!.matchAll(/^\| `(\w+)`[^|]*\|([^|]*)\|/gm)].map(([, on, members]) => [
        on!,
        [...members!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!).sort(),
      ]),
    );
    const wanted = Object.fromEntries(
      Object.entries(SAFEPOINTS)
        .map(
          ([on, members]) =>
            [
              on,
              Object.keys(members)
                .filter((name) => members[name]!.safepoint)
                .sort(),
            ] as const,
        )
        .filter(([, members]) => members.length > 0),
    );
    expect(listed).toEqual(wanted);
  });
});
