/**
 * Sealing: a property that a view does not have cannot be assigned, so that a misspelt field is an error and not a value that only this
 * JavaScript object has.
 *
 *     view ──▶ generated class ──▶ ObjectView.prototype ──▶ a proxy that refuses
 *
 * Whatever a view has is found before the proxy, so it costs nothing; `Object.preventExtensions` would cost each new view 50 ns.
 */
import { argumentRangeError } from '../errors.ts';
import type { Shape } from '../heap/shapes.ts';

/** @internal */
export const UNKNOWN = Symbol('unknown property');
/** @internal */
export const INDEXED = Symbol('index of an element');

/** @internal What is asked of a class that is sealed. */
export interface Sealed {
  /** The error of an assignment to a property that there is not. */
  [UNKNOWN](name: string): Error;
  /** The error of reading `[index]`; undefined where that is undefined, as of any object. */
  [INDEXED](index: string): Error | undefined;
}

const INDEX = /^(?:0|[1-9]\d*)$/;

/** @internal Seals all objects of a class, and of those that extend it. */
export function seal(sealed: { readonly prototype: Sealed }): void {
  const end = new Proxy(Object.create(Object.prototype) as object, {
    get(target, name, of: Sealed) {
      const error = typeof name === 'string' && INDEX.test(name) ? of[INDEXED](name) : undefined;
      if (error !== undefined) throw error;
      return Reflect.get(target, name, of) as unknown;
    },
    set(_target, name, _value, of: Sealed) {
      throw of[UNKNOWN](String(name));
    },
  });
  Object.setPrototypeOf(sealed.prototype, end);
}

/** @internal The error of a field that a shape does not have. */
export function unknownField({ name: shape, fields }: Shape, name: string): RangeError {
  return argumentRangeError(`field of shape ${shape}`, `one of ${[...fields.keys()].join(', ')}`, name);
}

/** @internal The error of an assignment to `name`, which `of` does not have. */
export function noProperty(of: string, name: string): TypeError {
  return refused(`${of} has no property ${JSON.stringify(name)} that could be assigned.`);
}

/** @internal The error of `of[index]`. */
export function noIndexing(of: string, index: string): TypeError {
  return refused(`${of}[${index}]: elements are read by get(${index}) and stored by set(${index}, value).`);
}

function refused(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_OPTION' });
}

/** @internal Gives a prototype properties of its own. An assignment would ask the proxy. */
export function define(prototype: object, properties: object): void {
  for (const key of Reflect.ownKeys(properties)) {
    Object.defineProperty(prototype, key, { value: (properties as Record<PropertyKey, unknown>)[key], configurable: true });
  }
}
