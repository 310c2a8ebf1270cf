/**
 * View owner: what views and their generated code call on the objects level of their mutator (objects.ts, which documents each of these).
 * Views know nothing else of it, so that imports in this folder have one direction: views, classes for shapes, objects.
 */
import type { HeapError } from '../errors.ts';
import type { Shape } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import type { Elements } from './elements.ts';
import type { ObjectCursor, ObjectView } from './object-view.ts';
import type { CopiedRun } from './plain-copy.ts';
import type { Strings } from './strings.ts';

type InspectOptions = { maxArrayLength?: number | null };

/** @internal Copies of what views lead to; see view-copies.ts. */
export interface Copies {
  of(view: ObjectView, purpose: 'object' | 'json'): unknown;
  ofElements(view: ObjectView, run: CopiedRun): unknown[];
  inspection(view: ObjectView, depth: number | null, options: InspectOptions): unknown;
  inspectionOfElements(view: ObjectView, run: CopiedRun, options: InspectOptions): unknown;
}

/** @internal */
export interface ViewOwner {
  readonly strings: Strings;
  readonly copies: Copies;

  viewOf(ref: Ref): ObjectView;
  textAt(ref: Ref): string;
  elementsOf(view: ObjectView): Elements<unknown> | undefined;
  refOfView(view: ObjectView, place: string): Ref;
  refOfCursor(cursor: ObjectCursor): Ref;

  storedText(text: unknown, place: string): Ref;
  toReference(value: unknown, place: string, target: string | undefined | null): Ref;
  toTagged(value: unknown, place: string): number;

  move(cursor: ObjectCursor, to: ObjectView | Ref | null): void;
  followElement(cursor: ObjectCursor, index: number): boolean;
  keep(view: ObjectView): void;
  release(view: ObjectView): void;
  isReleased(view: ObjectView): boolean;

  unknownProperty(shape: Shape, name: string): Error;
  expectRunning(place: string): void;
  expectShape(ref: Ref, target: string | undefined | null, place: string): void;
  unusable(view: ObjectView, place: string): HeapError;
  notRunning(place: string): HeapError;
  wrongShape(ref: Ref, target: string, place: string): HeapError;
  outOfBounds(place: string, index: unknown, length: number): RangeError;
  noStep(cursor: ObjectCursor, field: string): RangeError;
  notAssignable(place: string, value: unknown): TypeError;
}
