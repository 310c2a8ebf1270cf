/**
 * Access: how generated code loads and stores one kind: through a typed array if that reaches the whole heap, otherwise (bytes and 16-bit
 * numbers in heaps beyond 4 and 8 GiB) through a DataView, which has no such limit.
 */
import type { FieldKind, FieldType } from '../heap/definition.ts';
import type { Words } from '../heap/words.ts';

export type DataKind = Exclude<FieldKind, 'ref' | 'tagged'>;

/** What a view reads and writes: the kinds of fields, and elements that hold their objects weakly. */
export type ViewKind = FieldKind | 'weak';
export type ViewType = FieldType | 'weak';

// biome-ignore format: a table, as short as its rows.
export const BYTES: Readonly<Record<ViewKind, number>> = {
  ref: 4, tagged: 4, weak: 4, i8: 1, u8: 1, i16: 2, u16: 2, i32: 4, u32: 4, f32: 4, i64: 8, u64: 8, f64: 8,
};

const DATA_VIEW: Readonly<Partial<Record<ViewKind, string>>> = { i8: 'Int8', u8: 'Uint8', i16: 'Int16', u16: 'Uint16' };

/** @internal What the accessors of one heap are generated for. */
export interface AccessOptions {
  /** Kinds whose typed array ends before the heap does. */
  readonly beyond: ReadonlySet<ViewKind>;
  readonly checked: boolean;
  /** References are loaded by `mutator.getReference` only. */
  readonly barrieredLoads: boolean;
}

/** @internal */
export function kindsBeyond(words: Words, bytes: number): ReadonlySet<ViewKind> {
  const kinds: DataKind[] = ['i8', 'u8', 'i16', 'u16'];
  return new Set(kinds.filter((kind) => words[kind].length * BYTES[kind] < bytes));
}

/** @internal An expression for the value at `offset` (in units of the kind) of the object at `ref`. */
export function load(kind: ViewKind, offset: string, { beyond, barrieredLoads }: AccessOptions): string {
  if (barrieredLoads && (kind === 'ref' || kind === 'tagged')) return `mutator.getReference(${slotIndex(offset)})`;
  if (beyond.has(kind)) return `data.get${DATA_VIEW[kind]}(ref * 8 + (${offset}) * ${BYTES[kind]}, true)`;
  return `${arrayName(kind)}[${index(kind, offset)}]`;
}

/** @internal A statement that stores `value` there. For data only: references are stored through the mutator. */
export function store(kind: ViewKind, offset: string, value: string, { beyond }: AccessOptions): string {
  if (beyond.has(kind)) return `data.set${DATA_VIEW[kind]}(ref * 8 + (${offset}) * ${BYTES[kind]}, ${value}, true);`;
  return `${arrayName(kind)}[${index(kind, offset)}] = ${value};`;
}

/** @internal Index into `u32` of a reference. */
export const slotIndex = (offset: string): string => index('ref', offset);

/** @internal The name of the shape that a reference of that type must lead to, if any; `self` is the shape that has the field. */
export function targetOf(type: ViewType, self: string): string | undefined {
  if (type === 'self') return self;
  return typeof type === 'object' && 'ref' in type ? type.ref : undefined;
}

const REFERENCES: ReadonlySet<unknown> = new Set(['ref', 'self', 'string', 'tagged', 'weak']);

/** @internal Whether an element or field of that type is, or may be, stored as a reference. */
export const isReference = (type: ViewType): boolean => REFERENCES.has(type) || (typeof type === 'object' && 'ref' in type);

const arrayName = (kind: ViewKind): string => (kind === 'ref' || kind === 'tagged' || kind === 'weak' ? 'u32' : kind);

function index(kind: ViewKind, offset: string): string {
  const perWord = 8 / BYTES[kind];
  return perWord === 1 ? `ref + ${offset}` : `ref * ${perWord} + ${offset}`;
}
