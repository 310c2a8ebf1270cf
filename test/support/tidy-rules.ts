/** The rules of test/tidy.test.ts, as functions of a file's path and text, so that each can be shown what it must find. */
const LAYERS = ['os', 'heap', 'gc', 'node'];

/** What a file of native/LAYER includes from a layer above its own. */
export function upwardIncludes(path: string, text: string): string[] {
  const own = LAYERS.indexOf(path.split('/')[1]!);
  const included = [...text.matchAll(/^#include "((\w+)\/[^"]+)"/gm)];
  return included.filter(([, , layer]) => LAYERS.indexOf(layer!) > own).map(([, header]) => `${path}: ${header}`);
}

/** The kernel's headers that a file includes. */
export function kernelHeaders(path: string, text: string): string[] {
  return [...text.matchAll(/^#include <((?:sys|linux)\/[^>]+)>/gm)].map(([, header]) => `${path}: ${header}`);
}

/** Whether a file begins with something else than a comment. */
export function namesNoPurpose(text: string): boolean {
  return !/^(#!.*\n)?(\/\/|\/\*)/.test(text);
}
