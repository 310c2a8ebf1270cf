/**
 * The documents as the tests see them: their files, links, headings, and the blocks that quote something.
 *
 * A block is a quotation when a comment stands on the line before it:
 *
 *     <!-- file: examples/01-hello-heap.mjs -->       the whole file
 *     <!-- output: examples/01-hello-heap.mjs -->     what the program prints
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Every Markdown file of the project, from the root. */
export function documents(): string[] {
  const inDocs = readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  return [...readdirSync(ROOT).filter((name) => name.endsWith('.md')), ...inDocs].sort();
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export interface Quotation {
  readonly kind: 'file' | 'output';
  readonly source: string;
  readonly text: string;
}

const QUOTATION = /<!-- (file|output): (\S+) -->\n```\w*\n([\s\S]*?)```/g;

export function quotations(markdown: string): Quotation[] {
  return [...markdown.matchAll(QUOTATION)].map(([, kind, source, text]) => ({
    kind: kind as Quotation['kind'],
    source: source!,
    text: text!,
  }));
}

/** The document with every quotation replaced by what `textOf` answers. */
export function withQuotations(markdown: string, textOf: (quotation: Omit<Quotation, 'text'>) => string): string {
  return markdown.replace(QUOTATION, (whole: string, kind: Quotation['kind'], source: string) => {
    const opening = whole.slice(0, whole.indexOf('\n', whole.indexOf('```')) + 1);
    return `${opening}${textOf({ kind, source })}\`\`\``;
  });
}

/** Markdown without its code: blocks, and `spans`. */
function prose(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

/** Targets of links, without those to other sites. */
export function localLinks(markdown: string): string[] {
  return [...prose(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!).filter((target) => !/^[a-z]+:/.test(target));
}

/** What a heading can be linked to as, the way GitHub writes it. */
export function anchors(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

/** Cells of the rows of all tables, without code marks. */
export function tableRows(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

/** A section with its heading; throws if there is none. */
export function section(document: string, heading: string): string {
  const text = read(document);
  const start = text.search(new RegExp(`^## ${heading}$`, 'm'));
  if (start < 0) throw new Error(`${document} has no section ${heading}`);
  const end = text.indexOf('\n## ', start + 1);
  return text.slice(start, end < 0 ? undefined : end);
}

/** First cells of a section's table rows, one entry for each `word` in them, without the head. */
export function firstCells(text: string): string[] {
  return tableRows(text)
    .slice(1)
    .filter(([first]) => !/^-+$/.test(first!))
    .flatMap(([first]) => first!.split(', '));
}
