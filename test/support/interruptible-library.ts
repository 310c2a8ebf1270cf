/**
 * The library with a place to be interrupted wherever V8 has one: before each call, at the entry of each function, at each turn of a loop,
 * and where a native call returns. A copy of `dist/` in which each such place asks whether it is the one to interrupt; the collector's
 * threads run the copy too, but are never interrupted.
 *
 * A stack limit and a time limit hit only the places that the compilers have kept, which in hot code are few. Here
 * each is hit.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What runs on mutators' threads. */
const FOLDERS = ['heap', 'objects', 'containers'];

/** Called at each place, with its name: where it is in the sources, and whether a native call has just come back there. */
export type AtPlace = (place: string, afterNative: boolean) => void;

const hooks = globalThis as { atPlace?: AtPlace | undefined; passPlace?: (place: string, answer: unknown) => unknown };

/** From here on `atPlace` is called in this thread; with undefined nothing is. */
export function setAtPlace(atPlace: AtPlace | undefined): void {
  hooks.atPlace = atPlace;
  hooks.passPlace = (place, answer) => {
    hooks.atPlace?.(place, true);
    return answer;
  };
}

/** The code with the places in it. */
export function withPlaces(code: string, file: string): string {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true);
  const textOf = (node: ts.Node): string => {
    let text = '';
    let from = node.getFullStart();
    ts.forEachChild(node, (child) => {
      text += code.slice(from, child.getFullStart()) + textOf(child);
      from = child.end;
    });
    const space = node.getStart() - node.getFullStart();
    text += code.slice(from, node.end);
    return text.slice(0, space) + withPlace(node, text.slice(space));
  };
  const withPlace = (node: ts.Node, text: string): string => {
    const { line, character } = source.getLineAndCharacterOfPosition(node.getStart());
    const name = JSON.stringify(`${file}:${line + 1}:${character + 1}`);
    const ask = `globalThis.atPlace?.(${name}, false)`;
    if (isBodyOf(node, node.parent)) return ts.isBlock(node) ? `{${ask};${text.slice(1)}` : `(${ask}, ${text})`;
    if (!isCall(node)) return text;
    // `native` is what the library calls its addon.
    return /\bnative\.\w+$/i.test(node.expression.getText())
      ? `(${ask}, (globalThis.passPlace ?? ((_, answer) => answer))(${name}, ${text}))`
      : `(${ask}, ${text})`;
  };
  return textOf(source);
}

/** Of a function, or of a loop. */
function isBodyOf(node: ts.Node, parent: ts.Node | undefined): boolean {
  if (parent === undefined) return false;
  if (ts.isIterationStatement(parent, false)) return ts.isBlock(node) && parent.statement === node;
  return ts.isFunctionLike(parent) && 'body' in parent && parent.body === node;
}

/**
 * What belongs to a chain of `?.` must not be taken out of it. Where a `finally` runs because the stack was full there is room again for
 * what is built in.
 */
function isCall(node: ts.Node): node is ts.CallExpression | ts.NewExpression {
  if (ts.isNewExpression(node)) return true;
  if (ts.isCallExpression(node) && node.expression.getText().startsWith('Atomics.') && isInFinally(node)) return false;
  return (
    ts.isCallExpression(node) && node.expression.kind !== ts.SyntaxKind.ImportKeyword && (node.flags & ts.NodeFlags.OptionalChain) === 0
  );
}

function isInFinally(node: ts.Node): boolean {
  if (ts.isFunctionLike(node) || node.parent === undefined) return false;
  return (ts.isTryStatement(node.parent) && node.parent.finallyBlock === node) || isInFinally(node.parent);
}

/** The copy, loaded; and what removes its files again. */
export async function interruptibleLibrary(): Promise<{ library: typeof import('../../dist/index.js'); remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-places-'));
  const dist = join(folder, 'dist');
  cpSync(join(ROOT, 'dist'), dist, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'build'));
  symlinkSync(join(ROOT, 'build/Release'), join(folder, 'build/Release'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const name of FOLDERS) {
    for (const file of readdirSync(join(dist, name)).filter((each) => each.endsWith('.js'))) {
      const path = join(dist, name, file);
      writeFileSync(path, withPlaces(readFileSync(path, 'utf8'), `${name}/${file}`));
    }
  }
  const library = (await import(pathToFileURL(join(dist, 'index.js')).href)) as typeof import('../../dist/index.js');
  return { library, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
