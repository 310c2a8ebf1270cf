/**
 * Container copies: shared containers as plain values: an array or a queue as an array, a map or a cache as a Map, for JSON as an object.
 * Read by raw reference between two safepoints, while other threads may change them: what is copied was there when it was looked at.
 */
import { classNamed } from '../inspection.ts';
import type { Shape } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { type CopyForm, type PlainCopy, put, type SpecialCopy } from '../objects/plain-copy.ts';
import type { Containers } from './containers.ts';
import type { KeyKind, RawValue, ValueKind } from './kinds.ts';
import { MapPosition } from './map-trie.ts';
import type { SortedMaps } from './sorted-maps.ts';

/** @internal How containers of that shape, which begins with `faultline.`, are copied. */
export function containerCopy(shape: Shape, operations: Containers): SpecialCopy {
  const [, what, ...kinds] = shape.name.split('.') as [string, string, ...ValueKind[]];
  const name = `Heap${what.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase())}${kinds.length === 0 ? '' : `<${kinds.join(', ')}>`}`;
  const shown = (base: new () => object, { purpose }: CopyForm): object =>
    purpose === 'inspection' ? new (classNamed(name, base))() : new base();
  if (what === 'map') return { name, ...mapCopy(kinds[0] as KeyKind, kinds[1]!, operations.maps, shown) };
  if (what === 'sorted-map') return { name, ...mapCopy(kinds[0] as KeyKind, kinds[1]!, inOrder(operations.sortedMaps), shown) };
  if (what === 'cache') return { name, ...mapCopy(kinds[0] as KeyKind, kinds[1]!, operations.caches, shown) };
  if (what === 'array' || what === 'queue') return { name, ...sequenceCopy(what, kinds[0]!, operations, shown) };
  return {
    name,
    make: (form) => shown(Object, form),
    fill: (_copy, ref, made) => {
      if (what !== 'lock') return;
      put(made, 'owned', operations.locks.isOwned(ref));
      put(made, 'abandoned', operations.locks.isAbandoned(ref));
    },
  };
}

type Shown = (base: new () => object, form: CopyForm) => object;
type Copying = Omit<SpecialCopy, 'name'>;

function valueOf(copy: PlainCopy, kind: ValueKind, value: RawValue): unknown {
  return kind === 'ref' || kind === 'string' ? copy.reference(value as Ref) : copy.number(value);
}

function sequenceCopy(what: 'array' | 'queue', kind: ValueKind, { arrays, queues }: Containers, shown: Shown): Copying {
  return {
    make: (form) => shown(Array, form),
    fill: (copy, ref, made) => {
      const to = made as unknown[];
      const length = what === 'array' ? arrays.length(ref) : 0;
      const values = what === 'queue' ? queues.values(ref) : undefined;
      const count = values?.length ?? length;
      const copied = Math.min(count, copy.form.elements);
      for (let i = 0; i < copied; i++) to.push(valueOf(copy, kind, values?.[i] ?? arrays.peek(ref, i) ?? 0));
      to.length = count;
      if (what === 'queue' && copy.form.purpose === 'inspection') put(to, 'capacity', queues.capacity(ref));
    },
  };
}

/** What maps and caches have in common. */
type Maps = Pick<Containers['maps'], 'step' | 'size'>;

/** All entries in one step, which are of one moment. */
const inOrder = (maps: SortedMaps): Maps => ({
  step: (map, _position, found) => {
    found.push(...maps.range(map, { from: undefined, to: undefined, reverse: false }, undefined, Infinity));
    return false;
  },
  size: (map) => maps.size(map),
});

function mapCopy(keyKind: KeyKind, valueKind: ValueKind, maps: Maps, shown: Shown): Copying {
  const asObject = ({ purpose }: CopyForm): boolean => purpose === 'json' && keyKind !== 'ref';
  const asPairs = ({ purpose }: CopyForm): boolean => purpose === 'json' && keyKind === 'ref';
  return {
    make: (form) => (asObject(form) ? {} : asPairs(form) ? [] : shown(Map, form)),
    fill: (copy, ref, made) => {
      const position = new MapPosition();
      const found: [number, RawValue][] = [];
      let count = 0;
      for (let more = true; more && count < copy.form.elements; ) {
        more = maps.step(ref, position, found);
        for (const [key, value] of found) {
          if (count++ >= copy.form.elements) break;
          const [copiedKey, copiedValue] = [valueOf(copy, keyKind, key), valueOf(copy, valueKind, value)];
          if (asObject(copy.form)) put(made, String(copiedKey), copiedValue);
          else if (asPairs(copy.form)) (made as unknown[]).push([copiedKey, copiedValue]);
          else (made as Map<unknown, unknown>).set(copiedKey, copiedValue);
        }
      }
      const size = maps.size(ref);
      if (copy.form.purpose !== 'inspection' || size <= count) return;
      Object.defineProperty(made, Symbol.toStringTag, { value: `the first of ${size}` });
    },
  };
}
