/**
 * Shadow program: random operations on a heap and, at the same time, on plain JavaScript objects. Afterwards both must hold the
 * same graph: the same shapes, contents, references and sharing. Written in JavaScript because worker threads load it as it is.
 *
 * The model never holds a raw reference: an object is found again by walking from a root, in the model and in the heap side by
 * side, so that a wrong reference is found in the slot that holds it.
 */
import { makeRandom } from './random.mjs';

const ROOTS = 24;
/** Roots that stay: long reference arrays, from which most of the graph hangs. */
const TRUNKS = 4;
const TRUNK_SLOTS = 300;
const ELEMENT_COUNTS = [0, 1, 2, 3, 7, 8, 31, 32, 33, 60, 127, 509, 510, 511, 512, 513, 1021, 1500];

const SHADOW_SHAPES = [
  { name: 'shadow-pair', fields: { a: 'ref', b: 'ref', id: 'u32' } },
  { name: 'shadow-leaf', fields: { id: 'u32' } },
  {
    name: 'shadow-mixed',
    fields: { id: 'u32', a: 'ref', d: 'f64', s: 'i16', c: 'u8', l: 'i64', f: 'f32', b: 'ref', e: 'ref' },
  },
  { name: 'shadow-refs', fields: { id: 'u32', a: 'ref' }, elements: 'ref' },
  { name: 'shadow-bytes', fields: { id: 'u32' }, elements: 'u8' },
  { name: 'shadow-doubles', fields: { id: 'u32', a: 'ref' }, elements: 'f64' },
];

/** Some value that is different for every object, place and version. */
function mix(id, index, version) {
  return (Math.imul(id ^ (index * 0x9e3779b1), 0x85ebca6b) ^ (version * 0x27d4eb2f)) >>> 0;
}

export class ShadowProgram {
  constructor(heap, mutator, { seed, liveWordsLimit, largeWords = 0, idBase = 0 }) {
    this.mutator = mutator;
    this.random = makeRandom(seed);
    this.shapes = SHADOW_SHAPES.map((definition) => heap.defineShape(definition));
    this.liveWordsLimit = liveWordsLimit;
    this.largeWords = largeWords;
    this.nextId = idBase;
    this.operations = 0;
    // Half of the roots are handles, half lie in a root range.
    this.range = mutator.createRootRange(ROOTS / 2);
    this.range.used = ROOTS / 2;
    this.roots = Array.from({ length: ROOTS }, (_, index) =>
      index % 2 === 0 ? { model: null, handle: mutator.handle(0), slot: -1 } : { model: null, handle: -1, slot: (index - 1) / 2 },
    );
    this.trunks = this.roots.slice(0, TRUNKS);
    this.branches = this.roots.slice(TRUNKS);
    for (const trunk of this.trunks) {
      const { ref, model } = this.allocate(
        this.shapes.find(({ elementKind }) => elementKind === 'ref'),
        TRUNK_SLOTS,
      );
      this.setRoot(trunk, ref, model);
    }
  }

  getRoot(root) {
    return root.slot < 0 ? this.mutator.get(root.handle) : this.range.slots[root.slot];
  }

  setRoot(root, ref, model) {
    if (root.slot < 0) this.mutator.set(root.handle, ref);
    else this.range.slots[root.slot] = ref;
    root.model = model;
  }

  /** First u32 slot of the reference with number `index` in the object: fields first, then elements. */
  slotOf(ref, model, index) {
    const { refCount, elementsOffset } = model.shape;
    return index < refCount ? ref * 2 + 2 + index : ref * 2 + elementsOffset + (index - refCount);
  }

  allocate(shape = this.random.pick(this.shapes), wantedCount = undefined) {
    const { random, mutator } = this;
    let count = wantedCount ?? (shape.elementKind === undefined ? 0 : random.pick(ELEMENT_COUNTS));
    if (wantedCount === undefined && this.largeWords > 0 && shape.elementKind !== undefined && random.chance(1, 100)) {
      count = Math.floor((this.largeWords * 8) / { ref: 4, u8: 1, f64: 8 }[shape.elementKind]) + random.below(3);
    }
    const model = {
      shape,
      count,
      id: this.nextId++,
      version: 0,
      refs: new Array(shape.refCount + (shape.elementKind === 'ref' ? count : 0)).fill(null),
    };
    const ref = mutator.allocate(shape, count);
    mutator.u32[ref * 2 + shape.field('id').offset] = model.id;
    this.writePayload(ref, model);
    return { ref, model };
  }

  /** Fills everything that is neither id nor reference. Of long runs only a few elements are looked at. */
  forEachPayload(ref, model, visit) {
    const { shape, id, version, count } = model;
    const { mutator } = this;
    if (shape.name === 'shadow-mixed') {
      visit(mutator.f64, ref + shape.field('d').offset, mix(id, 0, version) / 8);
      visit(mutator.i16, ref * 4 + shape.field('s').offset, (mix(id, 1, version) << 16) >> 16);
      visit(mutator.u8, ref * 8 + shape.field('c').offset, mix(id, 2, version) & 255);
      visit(mutator.i64, ref + shape.field('l').offset, BigInt(mix(id, 3, version)) - 0x8000_0000n);
      visit(mutator.f32, ref * 2 + shape.field('f').offset, Math.fround(mix(id, 4, version)));
      return;
    }
    if (shape.elementKind === undefined || shape.elementKind === 'ref') return;
    const step = count > 2000 ? 509 : 1;
    const bytes = shape.elementKind === 'u8';
    const first = (bytes ? ref * 8 : ref) + shape.elementsOffset;
    for (let i = 0; i < count; i += step) {
      if (bytes) visit(mutator.u8, first + i, mix(id, i, version) & 255);
      else visit(mutator.f64, first + i, mix(id, i, version) / 4);
    }
  }

  writePayload(ref, model) {
    this.forEachPayload(ref, model, (view, index, value) => {
      view[index] = value;
    });
  }

  /** Some object that a root leads to, in both worlds; null when the root is empty. */
  wander() {
    const root = this.random.pick(this.roots);
    let model = root.model;
    if (model === null) return null;
    let ref = this.getRoot(root);
    for (let steps = this.random.below(12); steps > 0 && model.refs.length > 0; steps--) {
      const index = this.random.below(model.refs.length);
      const next = model.refs[index];
      if (next === null) break;
      ref = this.mutator.getReference(this.slotOf(ref, model, index));
      model = next;
    }
    if (this.mutator.u32[ref * 2 + model.shape.field('id').offset] !== model.id) this.fail(ref, model, 'identity');
    return { ref, model };
  }

  setReference(place, index, target) {
    this.mutator.setReference(this.slotOf(place.ref, place.model, index), target === null ? 0 : target.ref);
    place.model.refs[index] = target === null ? null : target.model;
  }

  step() {
    const { random } = this;
    this.operations++;
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const made = this.allocate();
        if (random.chance(3, 4)) {
          const trunk = random.pick(this.trunks);
          const place = { ref: this.getRoot(trunk), model: trunk.model };
          const index = random.below(place.model.refs.length);
          const before = { ref: this.mutator.getReference(this.slotOf(place.ref, place.model, index)), model: place.model.refs[index] };
          if (made.model.refs.length > 0 && random.chance(1, 2)) this.setReference(made, 0, before.model === null ? null : before);
          this.setReference(place, index, made);
          return;
        }
        // It takes a root's place and, often, leads to what was there.
        const root = random.pick(this.branches);
        if (root.model !== null && made.model.refs.length > 0 && random.chance(9, 10)) {
          const index = random.below(made.model.refs.length);
          this.setReference(made, index, { ref: this.getRoot(root), model: root.model });
        }
        this.setRoot(root, made.ref, made.model);
        return;
      }
      case 4: {
        // Garbage, which an unlucky collector keeps or, worse, mixes up with something else.
        for (let i = random.below(6); i > 0; i--) this.allocate();
        return;
      }
      case 5:
      case 6: {
        // Swing a reference: this is where cycles and sharing come from.
        const from = this.wander();
        if (from === null || from.model.refs.length === 0) return;
        const to = random.chance(1, 8) ? null : this.wander();
        this.setReference(from, random.below(from.model.refs.length), to);
        return;
      }
      case 7: {
        const place = this.wander();
        if (place === null) return;
        place.model.version++;
        this.writePayload(place.ref, place.model);
        return;
      }
      case 8: {
        const place = this.wander();
        const { model } = place ?? { model: null };
        if (model === null || model.shape.elementKind !== 'ref' || model.count < 2) return;
        const from = random.below(model.count);
        const to = random.below(model.count);
        const length = random.below(model.count - Math.max(from, to)) + 1;
        const first = model.shape.refCount;
        this.mutator.copyReferences(this.slotOf(place.ref, model, first + to), this.slotOf(place.ref, model, first + from), length);
        model.refs.copyWithin(first + to, first + from, first + from + length);
        return;
      }
      case 9: {
        const place = this.wander();
        if (place !== null) this.setRoot(random.pick(this.branches), place.ref, place.model);
        return;
      }
      case 10: {
        if (random.chance(1, 4)) this.setRoot(random.pick(this.branches), 0, null);
        return;
      }
      default: {
        this.mutator.poll();
        // A scope's locals survive what happens inside it.
        this.mutator.scope(() => {
          const place = this.wander();
          if (place === null) return;
          const local = this.mutator.local(place.ref);
          this.allocate();
          const ref = this.mutator.get(local);
          if (this.mutator.u32[ref * 2 + place.model.shape.field('id').offset] !== place.model.id) {
            this.fail(ref, place.model, 'identity behind a local handle');
          }
        });
      }
    }
  }

  /** Runs `steps` operations; compares everything now and then, and prunes the graph when too much is alive. */
  run(steps, compareEvery = 500) {
    for (let i = 1; i <= steps; i++) {
      this.step();
      if (i % compareEvery === 0) this.shrink(this.compare().words);
    }
    return this.compare();
  }

  shrink(liveWords) {
    if (liveWords < this.liveWordsLimit) return;
    for (const branch of this.branches) this.setRoot(branch, 0, null);
    for (const trunk of this.trunks) {
      const place = { ref: this.getRoot(trunk), model: trunk.model };
      for (let index = 0; index < trunk.model.refs.length; index++) {
        if (this.random.chance(2, 3)) this.setReference(place, index, null);
      }
    }
  }

  /** Walks both graphs side by side. Throws at the first difference; the number of objects otherwise. No safepoint. */
  compare() {
    const refOf = new Map();
    const modelOf = new Map();
    const pending = [];
    const meet = (ref, model, what) => {
      if (model === null || ref === 0) {
        if (model !== null || ref !== 0) this.fail(ref, model, `${what}: null in one world only`);
        return;
      }
      const known = refOf.get(model);
      if (known === undefined) {
        if (modelOf.has(ref)) this.fail(ref, model, `${what}: two objects became one`);
        refOf.set(model, ref);
        modelOf.set(ref, model);
        pending.push(model);
      } else if (known !== ref) this.fail(ref, model, `${what}: one object became two (the other is word ${known})`);
    };
    for (const root of this.roots) meet(this.getRoot(root), root.model, 'root');
    let words = 0;
    const { u32 } = this.mutator;
    while (pending.length > 0) {
      const model = pending.pop();
      const ref = refOf.get(model);
      words += model.shape.words(model.count);
      if (u32[ref * 2] !== model.shape.id) this.fail(ref, model, `shape ${u32[ref * 2]}`);
      if (u32[ref * 2 + 1] !== model.count) this.fail(ref, model, `count ${u32[ref * 2 + 1]}`);
      if (u32[ref * 2 + model.shape.field('id').offset] !== model.id) this.fail(ref, model, 'identity');
      this.forEachPayload(ref, model, (view, index, value) => {
        if (view[index] !== value) this.fail(ref, model, `payload ${view[index]} instead of ${value}`);
      });
      for (let i = 0; i < model.refs.length; i++)
        meet(this.mutator.getReference(this.slotOf(ref, model, i)), model.refs[i], `reference ${i}`);
    }
    return { objects: refOf.size, words };
  }

  fail(ref, model, what) {
    throw new Error(
      `operation ${this.operations}: object ${model?.id} (${model?.shape.name}, ${model?.count} elements) at word ${ref}: ${what}`,
    );
  }
}
