/** The rules of test/tidy.test.ts, as functions of a file's path and text, so that each can be shown what it must find. */
import { dirname, join } from 'node:path';

const LAYERS = ['os', 'pages', 'heap', 'gc', 'node'];

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

const COMMENT = /^\s*(\*|\/\/|\/\*)/;
const TEXT = /['"`]|\/\^/;

/** The lines of a file that are longer than `most`. One with a text in it, which no formatter breaks, may be. */
export function longLines(path: string, text: string, most: number): string[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.length <= most || (TEXT.test(line) && !COMMENT.test(line))) return [];
    return [`${path}:${index + 1}`];
  });
}

const CONTROL = /^\s*(\} )?(if|else|for|while|switch|do|try|catch|namespace|class|struct|describe)\b/;
const HEAD = /(\)[^(){}=]*|=> )\{$/;

/** The first lines of functions with more lines than `most`; a line of the same indentation ends them. A group of tests is none. */
export function longFunctions(path: string, text: string, most: number): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, begin) => {
    if (!HEAD.test(line) || CONTROL.test(line)) return [];
    const indentation = /^ */.exec(line)![0];
    const length = lines.slice(begin).findIndex((other) => other.startsWith(`${indentation}}`));
    return length > most ? [`${path}: ${line.trim()}`] : [];
  });
}

/** The words of a list that a file has, whatever their case. */
export function wordsIn(path: string, text: string, words: readonly RegExp[]): string[] {
  return words.flatMap((word) => [...text.matchAll(word)].map(([found]) => `${path}: ${found}`));
}

/** The files of a project that a file imports, types too; what is built from a file stands for it. */
export function importsOf(path: string, text: string, files: ReadonlySet<string>): string[] {
  const specifiers = [...text.matchAll(/\bfrom '(\.[^']+)'|\bimport\(\s*'(\.[^']+)'|^import '(\.[^']+)'/gm)];
  const targets = specifiers.map(([, from, called, bare]) => {
    const target = join(dirname(path), (from ?? called ?? bare)!);
    return files.has(target) ? target : target.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts');
  });
  return [...new Set(targets)].filter((target) => files.has(target));
}

/**
 * Groups of files each of which can be reached from each of its others (Tarjan, "Depth-first search and linear graph algorithms", 1972).
 */
export function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const numbers = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string): number => {
    const number = numbers.size;
    numbers.set(file, number);
    open.push(file);
    let lowest = number;
    for (const target of imports.get(file) ?? []) {
      if (!numbers.has(target)) lowest = Math.min(lowest, visit(target));
      else if (open.includes(target)) lowest = Math.min(lowest, numbers.get(target)!);
    }
    if (lowest === number) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest;
  };
  for (const file of imports.keys()) if (!numbers.has(file)) visit(file);
  return circles;
}

/** What a file imports from a floor above its own. A floor is a set of files, named by a pattern; the first are the lowest. */
export function upwardImports(path: string, imports: readonly string[], floors: readonly RegExp[]): string[] {
  const floorOf = (file: string): number => floors.findIndex((floor) => floor.test(file));
  return imports.filter((target) => floorOf(target) > floorOf(path)).map((target) => `${path}: ${target}`);
}
