/**
 * View copies: what views of one mutator lead to as plain values (plain-copy.ts), and as `util.inspect` shows them. Looking at a view never
 * throws: one that cannot be read says why.
 */
import { CONTROL_NULL_SLOT, CONTROL_STATE, MUTATOR_RUNNING } from '../binding/layout.ts';
import { classNamed, words } from '../inspection.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import { type ObjectView, SHAPE, SLOT } from './object-view.ts';
import { type CopiedRun, type CopySource, JSON_FORM, OBJECT, PlainCopy, shownForm, type SpecialCopy } from './plain-copy.ts';
import type { Copies, ViewOwner } from './view-owner.ts';

const DEFAULT_ELEMENTS = 100;

/** What `util.inspect` hands to what it inspects. */
interface InspectOptions {
  maxArrayLength?: number | null;
}

/** @internal Of one mutator. */
export class ViewCopies implements Copies {
  readonly #owner: ViewOwner;
  readonly #mutator: Mutator;
  readonly #control: Uint32Array;
  readonly #source: CopySource;

  constructor(
    owner: ViewOwner,
    setUp: { mutator: Mutator; control: Uint32Array; shapes: ShapeTable; specialCopy: (shape: Shape) => SpecialCopy | undefined },
    data: DataView,
  ) {
    const { mutator, control, shapes, specialCopy } = setUp;
    this.#owner = owner;
    this.#mutator = mutator;
    this.#control = control;
    this.#source = { mutator, shapes, strings: owner.strings, data, specialCopy };
  }

  of(view: ObjectView, purpose: 'object' | 'json'): unknown {
    this.#expectReadable(view, purpose === 'json' ? 'toJSON' : 'toObject');
    return new PlainCopy(this.#source, purpose === 'json' ? JSON_FORM : OBJECT).of(this.#mutator.held(view[SLOT]));
  }

  ofElements(view: ObjectView, run: CopiedRun): unknown[] {
    this.#expectReadable(view, 'toJSON');
    return new PlainCopy(this.#source, JSON_FORM).ofElements(this.#mutator.held(view[SLOT]), run);
  }

  inspection(view: ObjectView, depth: number | null, { maxArrayLength }: InspectOptions): unknown {
    const reason = this.#whyUnreadable(view);
    const name = this.#nameOf(view);
    if (reason !== undefined) return words(`[${name}: ${reason}]`);
    if (depth !== null && depth < 0) return words(`[${name}]`);
    const copy = new PlainCopy(this.#source, shownForm(depth ?? Infinity, maxArrayLength ?? Infinity));
    const shown = copy.of(this.#mutator.held(view[SLOT]));
    return typeof shown === 'string' ? new (classNamed('HeapString', String))(shown) : shown;
  }

  inspectionOfElements(view: ObjectView, run: CopiedRun, { maxArrayLength = DEFAULT_ELEMENTS }: InspectOptions): unknown {
    const reason = this.#whyUnreadable(view);
    if (reason !== undefined) return words(`[elements of ${view[SHAPE].name}: ${reason}]`);
    const copy = new PlainCopy(this.#source, shownForm(2, maxArrayLength ?? Infinity));
    const shown = copy.ofElements(this.#mutator.held(view[SLOT]), run);
    return Object.setPrototypeOf(shown, classNamed('Elements', Array).prototype as object);
  }

  #nameOf(view: ObjectView): string {
    const shape = view[SHAPE];
    if (this.#owner.strings.isStringShape(shape)) return 'HeapString';
    return this.#source.specialCopy(shape)?.name ?? shape.name;
  }

  #expectReadable(view: ObjectView, place: string): void {
    if (this.#control[view[SLOT]] === 0) throw this.#owner.unusable(view, place);
    if ((this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) === 0) throw this.#owner.notRunning(place);
  }

  #whyUnreadable(view: ObjectView): string | undefined {
    if (!this.#mutator.attached) return 'its mutator is detached';
    if (view[SLOT] === CONTROL_NULL_SLOT) return 'released';
    // A pause may be under way.
    if ((this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) === 0) return 'its mutator is parked';
    return this.#control[view[SLOT]] === 0 ? 'a cursor that leads nowhere' : undefined;
  }
}
