/**
 * Inspection: what `console.log`, `util.inspect` and the assertions of test runners show of this library's objects. Each class says it in a
 * method of this name, which never throws and leaves nothing behind.
 */

/** @internal The name of the method that `util.inspect` calls, `inspect.custom`, in every realm. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as typeof INSPECT;

/** @internal Values under the name of a class: what `util.inspect` shows as `Name { … }`. */
export function named(name: string, values: object): object {
  return Object.assign(Object.create(classNamed(name, Object).prototype as object), values);
}

/** @internal A class of that name, for what is only looked at. */
export function classNamed<B extends new (...parts: any[]) => object>(name: string, base: B): B {
  const made = class extends base {};
  Object.defineProperty(made, 'name', { value: name });
  // Else the base's own tag would be shown beside the name.
  Object.defineProperty(made.prototype, Symbol.toStringTag, { value: '', configurable: true });
  return made;
}

/** @internal Values of one line, without the quotes that a text would have. */
export const words = (text: string): object => ({ [INSPECT]: () => text });

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'];

/** @internal A size for people. */
export function size(bytes: number): object {
  let unit = 0;
  for (; bytes >= 1024 && unit < UNITS.length - 1; unit++) bytes /= 1024;
  return words(`${unit === 0 ? bytes : bytes.toFixed(1)} ${UNITS[unit]}`);
}
