/**
 * The documents are true where a program can tell: links lead somewhere, files that are named exist, and lists are those of the
 * sources.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Heap } from '../../dist/index.js';
import { binding } from '../../dist/binding.js';
import { CYCLE_STEPS, HEAP_PHASES } from '../../src/binding/cycle-steps.ts';
import { DIAGNOSTICS } from '../../src/gc/events.ts';
import { REGION_STATES } from '../../src/gc/policy/region-choice.ts';
import { experimentNames } from '../../bench/harness/experiment.ts';
import { WORKLOADS } from '../../bench/workloads/index.ts';
import { FOREIGN_LIMIT } from '../../bench/harness/processor-time.ts';
import { LIMITS_MS } from '../../bench/harness/statistics/critical-operations.ts';
import { MMU_WINDOWS_MS } from '../../bench/harness/statistics/mutator-utilization.ts';
import { CONFIGURATIONS, MISTAKES } from '../model/configurations.ts';
import { anchors, documents, firstCells, localLinks, read, ROOT, section, tableRows } from './markdown.ts';

function nativeFiles(...layers: string[]): string[] {
  return layers
    .flatMap((layer) =>
      readdirSync(join(ROOT, 'native', layer), { recursive: true, encoding: 'utf8' }).map((name) => `native/${layer}/${name}`),
    )
    .filter((path) => /\.(cc|h)$/.test(path));
}

/** Native sources as one text. */
function nativeSources(...layers: string[]): string {
  return nativeFiles(...layers)
    .map(read)
    .join('\n');
}

describe('every document', () => {
  for (const document of documents()) {
    it(`links to places that exist: ${document}`, () => {
      const broken = localLinks(read(document)).filter((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? document : normalize(join(dirname(document), path));
        if (!existsSync(join(ROOT, target))) return true;
        return anchor !== undefined && !anchors(read(target)).has(anchor);
      });
      expect(broken).toEqual([]);
    });

    if (!/^(README|CONTRIBUTING|docs\/)/.test(document)) continue;

    it(`names files that exist: ${document}`, () => {
      const named = [...read(document).matchAll(/`((?:src|native|test|docs|examples|scripts|bench)\/[\w./-]+\.(?:ts|cc|h|mjs|md))`/g)];
      expect(named.map(([, path]) => path!).filter((path) => !/NAME/.test(path) && !existsSync(join(ROOT, path)))).toEqual([]);
    });

    it(`keeps its lines short, tables aside: ${document}`, () => {
      const lines = read(document)
        .split('\n')
        .filter((line) => !line.startsWith('|') && !line.includes(']('));
      const long = lines.filter((line) => [...line].length > 140);
      expect(long).toEqual([]);
    });
  }
});

describe('README.md', () => {
  it('has every document once, in one of three groups: using it, how it works, what it costs', () => {
    const groups = section('README.md', 'Documents').split(/^### /m).slice(1);
    expect(groups.map((group) => group.split('\n')[0])).toEqual(['Using it', 'How it works', 'What it costs']);
    const listed = groups.flatMap((group) => localLinks(group)).filter((link) => link.startsWith('docs/'));
    const all = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    expect(listed.sort()).toEqual(all.map((name) => `docs/${name}`).sort());
  });

  it('has exactly the options of faultline run', () => {
    const known = [...read('src/cli/run/run-options.ts').matchAll(/\.option\('(--[\w-]+)/g)].map(([, option]) => option!);
    const documented = firstCells(section('README.md', 'The collector at work')).filter((cell) => cell.startsWith('--'));
    expect(documented).toEqual(known);
  });

  it('explains every line of the summary, and no others', () => {
    const source = read('src/cli/run/summary.ts');
    const facts = source.slice(source.indexOf('const rows'), source.indexOf('const facts'));
    const names = [...facts.matchAll(/\[\s*'([a-z ]+)',/g), ...source.matchAll(/row\('([a-z ]+)'/g)].map(([, name]) => name!);
    const explained = firstCells(section('README.md', 'The collector at work')).filter((cell) => !/^(--|option$|first$)/.test(cell));
    expect(explained.filter((name) => name !== 'without work').sort()).toEqual(names.sort());
    const shown = /<!-- run -->\n```text\n([\s\S]*?)```/.exec(read('README.md'))![1]!;
    for (const name of explained) if (!['exhausted', 'mark pause'].includes(name)) expect(shown).toContain(name);
  });
});

describe('docs/concepts.md', () => {
  it('names a file for each term', () => {
    const rows = tableRows(read('docs/concepts.md')).filter(([term]) => term !== 'term' && !/^-+$/.test(term!));
    expect(rows.length).toBeGreaterThan(50);
    const wrong = rows.filter(([, , file]) => !existsSync(join(ROOT, file!)) || !statSync(join(ROOT, file!)).isFile());
    expect(wrong).toEqual([]);
  });

  it('has each term once', () => {
    const terms = tableRows(read('docs/concepts.md'))
      .map(([term]) => term!)
      .filter((term) => term !== 'term' && !/^-+$/.test(term));
    expect(terms.filter((term, index) => terms.indexOf(term) !== index)).toEqual([]);
  });
});

describe('docs/lineage.md', () => {
  it('has every deliberate mistake of the model as an exercise, with the law that it breaks', () => {
    const rows = tableRows(section('docs/lineage.md', 'Exercises')).slice(2);
    const mistakes = Object.entries(MISTAKES).map(([mistake, { law }]) => [mistake, law]);
    expect(rows.map(([mistake, law]) => [mistake, law]).sort()).toEqual(mistakes.sort());
  });
});

describe('docs/errors.md', () => {
  const headings = [...read('docs/errors.md').matchAll(/^### `(ERR_\w+)`$/gm)].map(([, code]) => code!);
  const declared = /HeapErrorCode =([\s\S]*?);/.exec(read('src/errors.ts'))![1]!;
  const inTypeScript = [...declared.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code!);
  const inNative = [...nativeSources('os', 'pages', 'heap', 'gc', 'node').matchAll(/\b(ERR_[A-Z]+_[A-Z_]+)\b/g)].map(([, code]) => code!);

  it('has a section for exactly the codes of the sources', () => {
    expect([...headings].sort()).toEqual([...new Set([...inTypeScript, ...inNative])].sort());
  });

  it('says of each what it is and what to do', () => {
    for (const part of read('docs/errors.md').split(/^### /m).slice(1)) {
      expect(part).toContain('**What.**');
      expect(part).toContain('**What to do.**');
    }
  });

  it('has every warning', () => {
    const files = ['heap/heap', 'heap/heap-set-up', 'gc/control-start', 'gc/collector', 'gc/warnings'].map((file) => `src/${file}.ts`);
    const codes = files.flatMap((path) => [...read(path).matchAll(/code: '(FAULTLINE_\w+)'/g)]);
    expect(firstCells(section('docs/errors.md', 'Warnings')).sort()).toEqual([...new Set(codes.map(([, code]) => code!))].sort());
  });
});

describe('docs/events.md', () => {
  const document = read('docs/events.md');

  it('has every type of event', () => {
    const declared = [...read('src/gc/events.ts').matchAll(/Event<'([\w-]+)'>/g)].map(([, type]) => type!);
    expect(firstCells(section('docs/events.md', 'The stream')).sort()).toEqual(declared.sort());
  });

  it('has every channel', () => {
    for (const channel of Object.values(DIAGNOSTICS)) expect(document).toContain(`\`${channel}\``);
  });

  it('has every phase, in order', () => {
    expect(document).toContain(`Phases, in order: ${CYCLE_STEPS.map((phase) => `\`${phase}\``).join(', ')}.`);
  });

  it('has every field of the statistics', async () => {
    const heap = Heap.create({ capacityBytes: '1M', fault: 'stw' });
    const figures = heap.statistics();
    await heap.close();
    const text = section('docs/events.md', 'Statistics');
    const named = (word: string): boolean => new RegExp(`\`(\\w+\\.)?${word}\``).test(text);
    expect(Object.keys(figures).filter((field) => field !== 'regions' && !named(field))).toEqual([]);
    for (const group of [figures.cycles, figures.pages, figures.pauses, figures.regions, figures.faults]) {
      expect(Object.keys(group).filter((field) => !named(field))).toEqual([]);
    }
  });
});

describe('docs/benchmarks.md', () => {
  const cells = firstCells(section('docs/benchmarks.md', 'The harness'));

  it('has every experiment', () => {
    expect(cells).toEqual(expect.arrayContaining(experimentNames()));
  });

  it('has exactly the options of faultline bench', () => {
    const known = [...read('src/cli/bench/bench-options.ts').matchAll(/\.option\('(--[\w-]+)/g)].map(([, option]) => option!);
    expect(cells.filter((cell) => cell.startsWith('--'))).toEqual(known);
  });

  it('has every workload', () => {
    expect(firstCells(section('docs/benchmarks.md', 'Workloads'))).toEqual(expect.arrayContaining([...WORKLOADS.keys()]));
  });

  it('is right about the limits of the statistics', () => {
    const text = section('docs/benchmarks.md', 'The harness').replaceAll(/\n +/g, ' ');
    expect(text).toContain(`(${LIMITS_MS.join(', ')} ms)`);
    expect(text).toContain(`windows of ${MMU_WINDOWS_MS[0]} to ${MMU_WINDOWS_MS.at(-1)} ms`);
    expect(text).toContain(`beyond ${FOREIGN_LIMIT * 100} %`);
  });
});

describe('docs/memory-layout.md', () => {
  it('has the share of the side tables', async () => {
    const heap = Heap.create({ capacityBytes: '1G', fault: 'stw' });
    const { metadataBytes, reservedBytes } = heap.statistics();
    await heap.close();
    expect(section('docs/memory-layout.md', 'Side tables')).toContain(
      `| all | | | ${((100 * metadataBytes) / reservedBytes).toFixed(1)} % |`,
    );
  });
});

describe('docs/concurrency.md', () => {
  const rows = tableRows(section('docs/concurrency.md', 'Invariants')).slice(2);
  const letters = rows.map(([letter]) => letter!);

  it('has the invariants that the sources quote, and no others', () => {
    expect(letters).toEqual(['M', 'P', 'T', 'C', 'K', 'O', 'F', 'S', 'D', 'W', 'R', 'N', 'U', 'H', 'Q', 'E', 'B', 'G', 'Y']);
    const quoted = [...nativeSources('os', 'heap', 'gc').matchAll(/"\(([A-Z])\) /g)].map(([, letter]) => letter!);
    expect([...new Set(quoted)].filter((letter) => !letters.includes(letter))).toEqual([]);
  });

  it('names the files whose assertions quote them', () => {
    for (const [letter, , ...places] of rows) {
      const files: readonly string[] = places.join(' ').match(/native\/[\w/]+\.(?:cc|h)/g) ?? [];
      const quoting = nativeFiles('os', 'heap', 'gc').filter((path) => read(path).includes(`"(${letter}) `));
      expect(
        quoting.filter((path) => !files.includes(path)),
        letter,
      ).toEqual([]);
    }
  });

  it('has every change of phase, as the table of the sources has them', () => {
    const shown = tableRows(section('docs/concurrency.md', 'Phases'))
      .filter((cells) => cells.length === 5)
      .slice(2);
    const rows = binding().cycleSteps();
    expect(shown).toEqual(
      rows.map(({ step, from, to, stopped, laws: held, what }) => [
        step,
        `${from} → ${to}`,
        stopped ? 'all stopped' : 'threads run',
        held,
        what,
      ]),
    );
    expect([...new Set(rows.map(({ step }) => step))]).toEqual([...CYCLE_STEPS, 'recover']);
    expect([...new Set(rows.flatMap(({ from, to }) => [from, to]))].sort()).toEqual([...HEAP_PHASES].sort());
    for (const letter of rows.flatMap(({ laws: held }) => held.split(' ').filter(Boolean))) expect(letters).toContain(letter);
  });

  it('has every change of a region, as the table of the sources has them', () => {
    const shown = tableRows(section('docs/concurrency.md', 'Region states'))
      .filter((cells) => cells.length === 4)
      .slice(2);
    const rows = binding().regionTransitions();
    expect(shown).toEqual(rows.map(({ operation, who, from, to, when }) => [operation, `${from} → ${to}`, who, when]));
    expect([...REGION_STATES].sort()).toEqual([...new Set(rows.flatMap(({ from, to }) => [from, to]))].sort());
  });

  it('has the transitions of a page word, as the table of the sources has them', () => {
    const shown = tableRows(section('docs/concurrency.md', 'Page states'))
      .filter((cells) => cells.length === 5)
      .slice(2);
    const rows = binding().pageTransitions();
    expect(shown.map(([operation]) => operation)).toEqual(rows.map(({ operation }) => operation));
    for (const [i, { from, to, who, instruction, order, partner }] of rows.entries()) {
      const [, transition, owner, how, other] = shown[i]!;
      expect([transition!.split(',')[0], owner, other]).toEqual([`${from} → ${to}`, who, partner]);
      expect(how).toMatch(new RegExp(`^${instruction} ${order}\\b`));
    }
  });

  it('has every system that is explored', () => {
    expect(firstCells(section('docs/concurrency.md', 'What is explored')).filter((cell) => !cell.startsWith('system'))).toEqual(
      Object.keys(CONFIGURATIONS).flatMap((name) => name.split(', ')),
    );
  });

  it('has the states of a page in order', () => {
    const states = /enum class PageState[^{]*\{([^}]*)\}/.exec(read('native/heap/page_states.h'))![1]!;
    const names = [...states.matchAll(/k(\w+) =/g)].map(([, name]) => name!.toLowerCase());
    expect(read('docs/concurrency.md')).toMatch(new RegExp(names.join('[\\s\\S]*?')));
  });
});

describe('docs/minor-faults.md', () => {
  it('has every answer that the wrapper knows', () => {
    const known = [...read('native/os/userfaultfd.cc').matchAll(/case (E[A-Z]+):/g)].map(([, name]) => name!);
    const text = section('docs/minor-faults.md', 'Answers of UFFDIO_CONTINUE');
    expect(known.length).toBeGreaterThan(3);
    for (const name of known) expect(text).toContain(`| ${name}`);
  });
});

describe('docs/debugging.md', () => {
  it('has every system call that can be refused', () => {
    const table = /kSystemCallNames\[\] = \{([\s\S]*?)\};/.exec(read('native/os/refusals.cc'))![1]!;
    const names = [...table.matchAll(/"([\w-]+)"/g)].map(([, name]) => `\`${name!}\``);
    const text = section('docs/debugging.md', 'Refusals').replaceAll('\n', ' ');
    expect(text).toContain(`Names: ${names.join(', ')}.`);
  });
});
