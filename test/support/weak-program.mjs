/**
 * Weak program: random operations on weak references, a weak map that threads may share, and finalizers, against a model. The same
 * program as native/test/weak_program.h, through the interface that programs use.
 *
 * A slot is a node that may be held by a handle; a weak reference leads to it, and it is a key of the map, whose value leads to another
 * node. The model knows which node leads to which: a node is alive if it is held, or if the value of a live node leads to it. Dead
 * nodes may be noticed late; but a live node must not be missing, a dead one not come back, a held value not come twice or too early.
 */
import { makeRandom } from './random.mjs';

export class WeakProgram {
  constructor(heap, mutator, { seed, slots, mapSlot, owner }) {
    this.heap = heap;
    this.mutator = mutator;
    this.random = makeRandom(seed);
    this.owner = owner;
    this.node = heap.defineShape({ name: 'weak-node', fields: { link: 'ref', owner: 'u32', id: 'u32' } });
    this.filler = heap.defineShape({ name: 'weak-filler', elements: 'u8' });
    [this.link, this.ownerField, this.idField] = ['link', 'owner', 'id'].map((name) => this.node.field(name).offset);
    this.mapSlot = mapSlot;
    this.nextId = 0;
    /** By id: { held, lost, link, awaited }. */
    this.nodes = new Map();
    this.seenDead = 0;
    this.taken = 0;
    if (heap.roots.slots[mapSlot] === 0) heap.roots.slots[mapSlot] = mutator.weakMaps.allocate();
    this.slots = Array.from({ length: slots }, () => ({ id: 0, handle: mutator.handle(0), reference: mutator.handle(0) }));
    for (const slot of this.slots) this.replace(slot);
  }

  get map() {
    return this.heap.roots.slots[this.mapSlot];
  }

  /** A new node; negative ids are those of values. */
  make(id) {
    const ref = this.mutator.allocate(this.node);
    this.mutator.u32[ref * 2 + this.ownerField] = this.owner;
    this.mutator.u32[ref * 2 + this.idField] = id;
    return ref;
  }

  expectNode(ref, id, what) {
    const { u32 } = this.mutator;
    const found = u32[ref * 2] === this.node.id && u32[ref * 2 + this.ownerField] === this.owner && u32[ref * 2 + this.idField];
    if (found !== id >>> 0) this.fail(`${what} of node ${id} is at word ${ref} and says ${found}`);
  }

  fail(what) {
    throw new Error(`thread ${this.owner}: ${what}`);
  }

  isAlive(id) {
    const pending = [];
    for (const [each, { held }] of this.nodes) if (held) pending.push(each);
    const seen = new Set();
    while (pending.length > 0) {
      const at = pending.pop();
      if (at === id) return true;
      if (seen.has(at)) continue;
      seen.add(at);
      const { link } = this.nodes.get(at);
      if (link !== 0) pending.push(link);
    }
    return false;
  }

  replace(slot) {
    const { mutator, random } = this;
    if (slot.id !== 0) this.nodes.get(slot.id).held = false;
    slot.id = ++this.nextId;
    this.nodes.set(slot.id, { held: true, lost: false, link: 0, awaited: 0 });
    mutator.set(slot.handle, this.make(slot.id));
    mutator.set(slot.reference, mutator.weakReferences.allocate(mutator.get(slot.handle)));
    if (random.chance(2, 3)) this.relink(slot);
    for (let times = random.chance(1, 3) ? 1 + random.below(2) : 0; times > 0; times--) {
      mutator.finalizeLater(mutator.get(slot.handle), this.owner * 2 ** 32 + slot.id);
      this.nodes.get(slot.id).awaited++;
    }
  }

  relink(slot) {
    const { mutator } = this;
    const node = this.nodes.get(slot.id);
    if (!node.held) return;
    const other = this.random.pick(this.slots);
    if (this.nodes.get(other.id)?.held !== true) {
      if (mutator.weakMaps.delete(this.map, mutator.get(slot.handle)) !== (node.link !== 0)) this.fail(`entry of ${slot.id} to delete`);
      node.link = 0;
      return;
    }
    const value = this.make(~slot.id);
    mutator.u32[value * 2 + this.link] = mutator.get(other.handle);
    mutator.weakMaps.set(this.map, mutator.get(slot.handle), value);
    node.link = other.id;
  }

  revive(slot) {
    const node = this.nodes.get(slot.id);
    if (node.held) return;
    const found = this.mutator.weakReferences.get(this.mutator.get(slot.reference));
    if (found === 0) {
      if (this.isAlive(slot.id)) this.fail(`node ${slot.id} is alive and its weak reference is cleared`);
      if (!node.lost) this.seenDead++;
      node.lost = true;
      return;
    }
    if (node.lost) this.fail(`node ${slot.id} was dead and is back`);
    this.expectNode(found, slot.id, 'the weak reference');
    this.mutator.set(slot.handle, found);
    node.held = true;
    this.check(slot);
  }

  check(slot) {
    const { mutator } = this;
    const node = this.nodes.get(slot.id);
    if (!node.held) return;
    const handled = () => mutator.get(slot.handle);
    this.expectNode(handled(), slot.id, 'the handle');
    if (mutator.weakReferences.get(mutator.get(slot.reference)) !== handled()) this.fail(`the weak reference to ${slot.id} lost it`);
    const value = mutator.weakMaps.get(this.map, handled());
    if ((value !== 0) !== (node.link !== 0)) this.fail(`the entry of ${slot.id}: ${value}, should lead to ${node.link}`);
    if (value === 0) return;
    this.expectNode(value, ~slot.id, 'the value');
    this.expectNode(mutator.u32[value * 2 + this.link], node.link, 'what the value leads to,');
  }

  /** What came out of heap.finalizable() in this thread. True when it is one of this program's. */
  take({ heldValue, handle }) {
    const id = heldValue % 2 ** 32;
    const owner = (heldValue - id) / 2 ** 32;
    if (handle !== undefined) {
      const { u32 } = this.mutator;
      if (u32[this.mutator.get(handle) * 2 + this.idField] !== id) this.fail(`held value ${id} came with another object`);
      this.mutator.release(handle);
    }
    if (owner !== this.owner) return false;
    const node = this.nodes.get(id);
    if (--node.awaited < 0) this.fail(`held value ${id} came too often`);
    if (this.isAlive(id)) this.fail(`held value ${id} came, and its node is alive`);
    node.link = 0;
    this.taken++;
    return true;
  }

  step() {
    const { random, mutator } = this;
    const slot = random.pick(this.slots);
    switch (random.below(9)) {
      case 0:
      case 1:
        this.replace(slot);
        break;
      case 2:
      case 3:
        mutator.set(slot.handle, 0);
        this.nodes.get(slot.id).held = false;
        break;
      case 4:
      case 5:
        this.revive(slot);
        break;
      case 6:
        this.relink(slot);
        break;
      default:
        this.check(slot);
    }
    if (random.chance(1, 5)) mutator.allocate(this.filler, random.below(2000));
    mutator.poll();
  }

  /** After collections with nothing in between: whatever is not alive in the model is gone. */
  checkExactly() {
    for (const slot of this.slots) {
      const found = this.mutator.weakReferences.get(this.mutator.get(slot.reference));
      const node = this.nodes.get(slot.id);
      if ((found !== 0) !== (!node.lost && this.isAlive(slot.id))) this.fail(`node ${slot.id}: ${found}, alive ${this.isAlive(slot.id)}`);
      this.check(slot);
    }
    for (const [id, { awaited }] of this.nodes) if (awaited > 0 && !this.isAlive(id)) this.fail(`held value ${id} has not come`);
  }
}
