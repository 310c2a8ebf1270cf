/**
 * Generated views: one class per shape and mutator, its accessors written out with the offsets as literals, so that V8 sees each property
 * as one site with one kind of object. From outside, the text contains only names, as string literals, and numbers.
 *
 * A getter is: the handle's reference, the comparison with 0, the load. A checked heap gets a class with more checks, so that other heaps
 * pay nothing for them.
 */
import type { FieldType } from '../heap/definition.ts';
import type { Field, Shape } from '../heap/shapes.ts';
import { type AccessOptions, BYTES, isReference, load, slotIndex, store, targetOf, type ViewKind, type ViewType } from './access.ts';

/** @internal The text of a class expression; free names are those of {@link ViewEnvironment} in generated-classes.ts. */
export function viewSource(shape: Shape, isCursor: boolean, options: AccessOptions): string {
  const arrays = [...shape.fields.entries()].filter(([, { type }]) => isArrayField(type));
  const members = [...shape.fields].map(([name, field]) => {
    const array = arrays.findIndex(([arrayName]) => arrayName === name);
    return array >= 0 ? arrayMember(name, array) : valueMembers(shape, name, field, options);
  });
  return `class extends Base {
${arrays.map((_, i) => `  #array${i};`).join('\n')}
${members.join('\n')}
  [INITIALIZE](values) {
${[...shape.fields].map(([name, field]) => initializer(name, field.type)).join('\n')}
  }
${isCursor ? followMember(shape, options) : ''}
}`;
}

/** @internal Elements: after the fields, or with a length of their own in an array field. */
export interface Run {
  readonly type: ViewType;
  readonly kind: ViewKind;
  readonly offset: number;
  readonly length?: number;
}

/** @internal The text of the class of a run of elements: those after the fields, or those of an array field. */
export function elementsSource(shape: Shape, place: string, run: Run, options: AccessOptions): string {
  const where = JSON.stringify(place);
  const length = run.length ?? 'u32[ref * 2 + 1]';
  const target = JSON.stringify(targetOf(run.type, shape.name) ?? null);
  const offset = `${run.offset} + index`;
  const beyond = `typeof index !== 'number' || (index >>> 0) !== index || index >= ${length}`;
  const bounds = `if (${beyond}) throw owner.outOfBounds(${where}, index, ${length});`;
  const write = isReference(run.type)
    ? `const to = ${toReference(run.type, where, target)};
    ${enter('this[OF]', where, options)}
    ${bounds}
    mutator.setReference(${slotIndex(offset)}, to);`
    : `${checkedValue(run.type, where, options)}
    ${enter('this[OF]', where, options)}
    ${bounds}
    ${store(run.kind, offset, stored(run.type), options)}`;
  return `class extends Base {
  get length() {
    ${enter('this[OF]', where, options)}
    return ${length};
  }
  get(index) {
    ${enter('this[OF]', where, options)}
    ${bounds}
    ${read(run.type, run.kind === 'weak' ? `mutator.readWeak(${slotIndex(offset)})` : load(run.kind, offset, options), where, target, options)}
  }
  set(index, value) {
    ${write}
  }
  [BEGIN]() {
    ${enter('this[OF]', where, options)}
    return ref * 8 + ${run.offset * BYTES[run.kind]};
  }
}`;
}

const isArrayField = (type: FieldType): boolean => typeof type === 'object' && 'array' in type;

/** From the view to the object: `ref`. */
function enter(view: string, where: string, { checked }: AccessOptions): string {
  const guard = checked ? `if ((control[0] & 1) === 0) throw owner.notRunning(${where});\n    ` : '';
  return `${guard}const ref = control[${view}[SLOT]];
    if (ref === 0) throw owner.unusable(${view}, ${where});`;
}

function valueMembers(shape: Shape, name: string, { kind, offset, type }: Field, options: AccessOptions): string {
  const where = JSON.stringify(`${shape.name}.${name}`);
  const target = JSON.stringify(targetOf(type, shape.name) ?? null);
  return `  get [${JSON.stringify(name)}]() {
    ${enter('this', where, options)}
    ${read(type, load(kind, String(offset), options), where, target, options)}
  }
  set [${JSON.stringify(name)}](value) {
    ${writeField(type, kind, offset, where, target, options)}
  }`;
}

function writeField(type: FieldType, kind: Field['kind'], offset: number, where: string, target: string, options: AccessOptions): string {
  if (!isReference(type)) {
    return `${checkedValue(type, where, options)}
    ${enter('this', where, options)}
    ${store(kind, String(offset), stored(type), options)}`;
  }
  // A string is allocated before the object is looked for: allocating is a safepoint.
  return `const to = ${toReference(type, where, target)};
    ${enter('this', where, options)}
    mutator.setReference(${slotIndex(String(offset))}, to);`;
}

function toReference(type: ViewType, where: string, target: string): string {
  if (type === 'string') return `owner.storedText(value, ${where})`;
  return type === 'tagged' ? `owner.toTagged(value, ${where})` : `owner.toReference(value, ${where}, ${target})`;
}

function read(type: ViewType, value: string, where: string, target: string, { checked }: AccessOptions): string {
  if (type === 'bool') return `return ${value} !== 0;`;
  if (!isReference(type)) return `return ${value};`;
  const check = checked ? `\n    owner.expectShape(to, ${type === 'string' ? undefined : target}, ${where});` : '';
  const integer = type === 'tagged' ? '\n    if (to >= 0x80000000) return (to << 1) >> 1;' : '';
  return `const to = ${value};${integer}
    if (to === 0) return null;${check}
    return ${type === 'string' ? 'owner.textAt(to)' : 'owner.viewOf(to)'};`;
}

const stored = (type: ViewType): string => (type === 'bool' ? 'value ? 1 : 0' : 'value');

/** Needed because a typed array converts a value that is not a number, or throws an error that names neither property nor value. */
function checkedValue(type: ViewType, where: string, { checked }: AccessOptions): string {
  if (checked) return `checkValue(${JSON.stringify(type)}, value, ${where});`;
  if (type === 'bool') return '';
  return type === 'i64' || type === 'u64'
    ? `if (typeof value !== 'bigint') value = toBigInt(value, ${where});`
    : `if (typeof value !== 'number') value = toNumber(value, ${where});`;
}

function arrayMember(name: string, index: number): string {
  return `  get [${JSON.stringify(name)}]() {
    return (this.#array${index} ??= new arrays[${index}](this));
  }
  set [${JSON.stringify(name)}](value) {
    this[${JSON.stringify(name)}][ASSIGN](value);
  }`;
}

function initializer(name: string, type: FieldType): string {
  const value = `values[${JSON.stringify(name)}]`;
  const property = `this[${JSON.stringify(name)}]`;
  return `    if (${value} !== undefined) ${isArrayField(type) ? `${property}.copyFrom(${value})` : `${property} = ${value}`};`;
}

function followMember(shape: Shape, options: AccessOptions): string {
  const steps = [...shape.fields].filter(([, { type }]) => isReference(type) && type !== 'string' && type !== 'tagged');
  const cases = steps.map(([name, { type, offset }]) => {
    const where = JSON.stringify(`${shape.name}.${name}`);
    // A value that the setter has accepted for a field of this very shape needs no second check.
    const known = targetOf(type, shape.name) === shape.name && !options.checked;
    const wrong = `owner.wrongShape(to, ${JSON.stringify(shape.name)}, ${where})`;
    const check = known ? '' : `if (to !== 0 && u32[to * 2] !== ${shape.id}) throw ${wrong};`;
    return `      case ${JSON.stringify(name)}: {
        ${enter('this', where, options)}
        const to = ${load('ref', String(offset), options)};
        ${check}
        control[this[SLOT]] = to;
        return to !== 0;
      }`;
  });
  return `  follow(field) {
    switch (field) {
${cases.join('\n')}
      default:
        throw owner.noStep(this, field);
    }
  }`;
}
