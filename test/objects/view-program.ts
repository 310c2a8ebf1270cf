/**
 * View program: random operations on views and, at the same time, on plain JavaScript objects. Afterwards both hold the same graph.
 */
import { expect } from 'vitest';
import { array, definition, type Heap, type Mutator, ref, type Shape, type View } from '../support/faultline.ts';
import { makeRandom } from '../support/random.mjs';

const SMALL = definition({ name: 'program-small', fields: { id: 'u32', flag: 'bool' } });
const NODE = definition({
  name: 'program-node',
  fields: { id: 'u32', text: 'string', small: ref(SMALL), left: 'self', right: 'self', wide: 'i64', ratio: 'f32', bytes: array('u8', 3) },
  elements: 'self',
});

interface Model {
  id: number;
  text: string | null;
  small: { id: number; flag: boolean } | null;
  left: Model | null;
  right: Model | null;
  wide: bigint;
  ratio: number;
  bytes: number[];
  elements: (Model | null)[];
}

const ROOTS = 12;
const TEXTS = [null, '', 'short', 'größer', '日本語', '\ud800', 'long '.repeat(40)];

export class ViewProgram {
  readonly #heap: Heap;
  readonly #mutator: Mutator;
  readonly #random: ReturnType<typeof makeRandom>;
  readonly #Small: Shape<typeof SMALL>;
  readonly #Node: Shape<typeof NODE>;
  readonly #views: View<typeof NODE>[] = [];
  readonly #models: Model[] = [];
  #ids = 0;

  constructor(heap: Heap, mutator: Mutator, seed: number) {
    this.#heap = heap;
    this.#mutator = mutator;
    this.#random = makeRandom(seed);
    this.#Small = heap.defineShape(SMALL);
    this.#Node = heap.defineShape(NODE);
    for (let i = 0; i < ROOTS; i++) this.#put(i);
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#mutator.scope(() => this.#step());
  }

  /** Walks view and model side by side. */
  check(): void {
    const met = new Map<Model, number>();
    for (const [i, view] of this.#views.entries()) this.#mutator.scope(() => this.#compare(view, this.#models[i]!, met));
  }

  #compare(view: View<typeof NODE>, model: Model, met: Map<Model, number>): void {
    const { ref: at } = view;
    if (met.has(model)) {
      expect(at).toBe(met.get(model));
      return;
    }
    met.set(model, at);
    const { id, text, wide, ratio } = view;
    expect({ id, text, wide, ratio, bytes: [...view.bytes] }).toEqual({
      id: model.id,
      text: model.text,
      wide: model.wide,
      ratio: model.ratio,
      bytes: model.bytes,
    });
    const { small } = view;
    expect(small === null ? null : { id: small.id, flag: small.flag }).toEqual(model.small);
    const below = [
      [view.left, model.left],
      [view.right, model.right],
      ...model.elements.map((it, i) => [view.elements.get(i), it]),
    ] as const;
    expect(view.elements.length).toBe(model.elements.length);
    for (const [found, wanted] of below) {
      expect(found === null).toBe(wanted === null);
      if (found !== null) this.#mutator.scope(() => this.#compare(found as View<typeof NODE>, wanted as Model, met));
    }
  }

  #step(): void {
    const random = this.#random;
    const to = random.below(ROOTS);
    const from = random.below(ROOTS);
    const view = this.#views[to]!;
    const model = this.#models[to]!;
    const operations: (() => void)[] = [
      () => this.#put(to),
      () => {
        view.left = this.#views[from]!;
        model.left = this.#models[from]!;
      },
      () => {
        view.right = view.left;
        model.right = model.left;
      },
      () => {
        const length = model.elements.length;
        if (length === 0) return;
        const at = random.below(length);
        const isNull = random.chance(1, 3);
        view.elements.set(at, isNull ? null : this.#views[from]!);
        model.elements[at] = isNull ? null : this.#models[from]!;
      },
      () => {
        const text = TEXTS[random.below(TEXTS.length)]!;
        view.text = text;
        model.text = text;
      },
      () => {
        const id = ++this.#ids;
        view.small = this.#heap.create(this.#Small, { id, flag: id % 2 === 0 });
        model.small = { id, flag: id % 2 === 0 };
      },
      () => {
        view.wide = model.wide = BigInt(random.below(1e9)) * -(2n ** 30n);
        view.ratio = model.ratio = Math.fround(random.below(1e6) / 7);
      },
      () => {
        // Down along the left, by a cursor; what is found there becomes the root.
        const cursor = this.#heap.cursor(this.#Node, view);
        let found = model;
        for (let steps = random.below(4); steps > 0 && found.left !== null; steps--) {
          expect(cursor.follow('left')).toBe(true);
          found = found.left;
        }
        expect(cursor.id).toBe(found.id);
        this.#hold(to, this.#heap.view(cursor.ref) as unknown as View<typeof NODE>, found);
      },
    ];
    operations[random.below(operations.length)]!();
  }

  #put(root: number): void {
    const random = this.#random;
    const count = random.below(6);
    const left = this.#views.length > 0 && random.chance(1, 2) ? random.below(this.#views.length) : -1;
    const bytes = [random.below(256), random.below(256), random.below(256)];
    const id = ++this.#ids;
    const view = this.#heap.create(this.#Node, { id, bytes, left: left < 0 ? null : this.#views[left]! }, count);
    this.#hold(root, view, {
      id,
      bytes,
      text: null,
      small: null,
      left: left < 0 ? null : this.#models[left]!,
      right: null,
      wide: 0n,
      ratio: 0,
      elements: new Array<Model | null>(count).fill(null),
    });
  }

  #hold(root: number, view: View<typeof NODE>, model: Model): void {
    this.#views[root]?.release();
    this.#views[root] = view.keep();
    this.#models[root] = model;
  }
}
