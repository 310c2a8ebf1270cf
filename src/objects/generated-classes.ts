/**
 * Generated classes: turns the text of view-source.ts into classes, once per shape and mutator, when the first view of the shape is made. A
 * program that only uses raw access never generates any (and may run under `--disallow-code-generation-from-strings`).
 */
import { argumentRangeError, HeapError } from '../errors.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape } from '../heap/shapes.ts';
import { ARRAY_CLASSES } from '../heap/words.ts';
import { type AccessOptions, type DataKind, isReference, type ViewType } from './access.ts';
import { ASSIGN, BEGIN, BULK, Elements, MEMORY, OF, PLACE, RUN } from './elements.ts';
import { INITIALIZE, ObjectCursor, ObjectView, OWNER, RESERVED_NAMES, SHAPE, SLOT } from './object-view.ts';
import { define } from './sealing.ts';
import { checkValue, toBigInt, toNumber } from './value-check.ts';
import { elementsSource, type Run, viewSource } from './view-source.ts';
import type { ViewOwner } from './view-owner.ts';

/** @internal */
type ViewClass = (new (slot: number) => ObjectView) & { prototype: { [INITIALIZE]?(values: object): void } };
type CursorClass = new (slot: number) => ObjectCursor;
type ElementsClass = new (of: ObjectView) => Elements<unknown>;

/** @internal The classes for one shape in one mutator. */
export interface ShapeClasses {
  readonly shape: Shape;
  readonly view: ViewClass;
  readonly cursor: CursorClass;
  readonly elements: ElementsClass | undefined;
}

/** @internal The free names of generated text. */
interface ViewEnvironment {
  readonly owner: ViewOwner;
  readonly mutator: Mutator;
  readonly control: Uint32Array;
  readonly data: DataView;
}

const NAMES =
  'owner, mutator, control, data, i8, u8, i16, u16, i32, u32, f32, f64, i64, u64, Base, arrays, checkValue, ' +
  'toNumber, toBigInt, SLOT, INITIALIZE, OF, BEGIN, ASSIGN';

/** @internal */
export class ClassGenerator {
  readonly #environment: ViewEnvironment;
  readonly #options: AccessOptions;

  constructor(environment: ViewEnvironment, options: AccessOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  generate(shape: Shape): ShapeClasses {
    for (const name of shape.fields.keys()) {
      if (RESERVED_NAMES.has(name)) {
        throw argumentRangeError(`field of shape ${shape.name}`, 'no name that views have for something else', name);
      }
    }
    const { elementKind: kind, elementsOffset: offset } = shape;
    const type = shape.definition.elements;
    const hidden = kind === undefined || type === undefined || kind === 'ephemeron' || kind === 'finalizable';
    const elements = hidden ? undefined : this.#elements(shape, 'elements', { type: type as ViewType, kind, offset });
    const arrays = [...shape.fields].flatMap(([name, { type, kind, offset, length }]) =>
      typeof type === 'object' && 'array' in type ? [this.#elements(shape, name, { type: type.array, kind, offset, length })] : [],
    );
    return {
      shape,
      view: this.#view<ViewClass>(shape, ObjectView, false, arrays),
      cursor: this.#view<CursorClass>(shape, ObjectCursor, true, arrays),
      elements,
    };
  }

  #view<C>(shape: Shape, base: unknown, isCursor: boolean, arrays: readonly ElementsClass[]): C {
    const made = this.#compile<{ prototype: object }>(viewSource(shape, isCursor, this.#options), base, arrays);
    Object.defineProperty(made, 'name', { value: shape.name });
    define(made.prototype, { [OWNER]: this.#environment.owner, [SHAPE]: shape });
    return made as C;
  }

  #elements(shape: Shape, name: string, run: Run): ElementsClass {
    const place = `${shape.name}.${name}`;
    const made = this.#compile<{ prototype: object }>(elementsSource(shape, place, run, this.#options), Elements, []);
    const { buffer, byteOffset } = this.#environment.mutator.u32;
    const isBulk = !isReference(run.type) && run.type !== 'bool';
    const bulk = isBulk ? ARRAY_CLASSES[run.kind as DataKind] : undefined;
    define(made.prototype, { [BULK]: bulk, [MEMORY]: { buffer, byteOffset }, [RUN]: run, [PLACE]: place });
    return made as ElementsClass;
  }

  #compile<C>(text: string, Base: unknown, arrays: readonly ElementsClass[]): C {
    const { i8, u8, i16, u16, i32, u32, f32, f64, i64, u64 } = this.#environment.mutator;
    // biome-ignore format: one list of names.
    const environment = {
      ...this.#environment, i8, u8, i16, u16, i32, u32, f32, f64, i64, u64, Base, arrays, checkValue,
      toNumber, toBigInt, SLOT, INITIALIZE, OF, BEGIN, ASSIGN,
    };
    return compile<C>(`'use strict'; const { ${NAMES} } = environment; return ${text};`)(environment);
  }
}

/** Throws ERR_CODE_GENERATION where code must not be made from text. */
function compile<C>(body: string): (environment: object) => C {
  try {
    return new Function('environment', body) as (environment: object) => C;
  } catch (cause) {
    if ((cause as Error).name !== 'EvalError') throw cause;
    throw new HeapError(
      'ERR_CODE_GENERATION',
      'views of objects are made of generated code, which this program forbids (--disallow-code-generation-from-strings). ' +
        'Run it without that, or use raw access (mutator.allocate and the typed arrays), which needs none.',
      { cause },
    );
  }
}
