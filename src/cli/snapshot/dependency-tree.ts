/**
 * The packages that this project depends on, in whatever node_modules folders they are: its dependencies, theirs, and so on, followed by
 * its development dependencies if those are installed (in a checkout, not in an installed package).
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Package {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The folder of this project's own package.json, whether this file runs from `src` or from `dist`. */
export function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (manifestOf(folder)?.name !== 'faultline') {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json of faultline above its own files');
    folder = parent;
  }
  return folder;
}

/** Breadth first, each package once, dependencies before development dependencies: the order does not depend on where npm puts them. */
export function dependencyTree(root: string): Package[] {
  const found = new Map<string, Package>();
  collect(root, Object.keys(manifestOf(root)?.dependencies ?? {}), found);
  collect(root, Object.keys(manifestOf(root)?.devDependencies ?? {}), found);
  return [...found.values()];
}

function collect(root: string, names: readonly string[], found: Map<string, Package>): void {
  const open = names.map((name) => ({ name, from: root }));
  for (let wanted = open.shift(); wanted !== undefined; wanted = open.shift()) {
    const folder = locate(wanted.name, wanted.from);
    const manifest = folder === undefined ? undefined : manifestOf(folder);
    if (folder === undefined || manifest?.version === undefined || found.has(folder)) continue;
    found.set(folder, { name: wanted.name, version: manifest.version, folder });
    const next = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    open.push(...next.sort().map((name) => ({ name, from: folder })));
  }
}

/** Node's own rule: the nearest node_modules folder upwards that has the package. Optional packages may be missing. */
function locate(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

function manifestOf(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}
