/**
 * Tables that documents and sources share: the options, and the fault modes. The sources have them, the documents show them.
 */
import { describe, expect, it } from 'vitest';
import { AUTOMATIC_MODES, FAULT_MODES, NEEDS, type Need, SYSTEM_CALLS, traitsOf } from '../../src/gc/fault-modes.ts';
import { COLLECTION_KINDS, COLLECTION_REASONS } from '../../src/gc/requests.ts';
import { FEATURES } from '../../src/pages/abi.ts';
import { HEAP_OPTIONS, type HeapOptions, resolveOptions } from '../../src/options.ts';
import { firstCells, read, section, tableRows } from './markdown.ts';

describe('docs/options.md', () => {
  const interfaceOf = (path: string, name: string): string[] => {
    const body = new RegExp(`export interface ${name} \\{([\\s\\S]*?)^\\}`, 'm').exec(read(path))![1]!;
    return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, option]) => option!);
  };

  const plain = (text: string): string => text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');

  it('has the table of the sources: what is accepted, the default and the meaning of each option of a heap', () => {
    const rows = tableRows(section('docs/options.md', 'Of a heap')).slice(2);
    const shown = rows.map(([option, accepted, byDefault, meaning]) => {
      const said = HEAP_OPTIONS[option as keyof typeof HEAP_OPTIONS]?.meaning ?? '';
      return [option, accepted, byDefault, plain(meaning!).slice(0, said.length)];
    });
    expect(shown).toEqual(
      Object.entries(HEAP_OPTIONS).map(([option, { accepted, byDefault, meaning }]) => [option, accepted, byDefault, meaning]),
    );
  });

  it('says of each option of a heap what its doc comment says', () => {
    const source = /export interface HeapOptions \{([\s\S]*?)^\}/m.exec(read('src/options.ts'))![1]!;
    const comments = [...source.matchAll(/\/\*\*([\s\S]*?)\*\/\s*(\w+)\??:/g)];
    const said = comments.map(([, comment, option]) => {
      const text = plain(comment!.replaceAll(/\n\s*\*/g, '').trim());
      const { meaning } = HEAP_OPTIONS[option as keyof typeof HEAP_OPTIONS];
      return [option, meaning[0] + text.slice(1, meaning.length)];
    });
    expect(said).toEqual(Object.entries(HEAP_OPTIONS).map(([option, { meaning }]) => [option, meaning]));
  });

  it('has exactly the options of a mutator and of a collection', () => {
    expect(firstCells(section('docs/options.md', 'Of a mutator'))).toEqual(interfaceOf('src/heap/attachment.ts', 'MutatorOptions'));
    const request = section('docs/options.md', 'Of a collection');
    expect(firstCells(request)).toEqual(interfaceOf('src/gc/requests.ts', 'CollectionRequest'));
    for (const word of [...COLLECTION_KINDS, ...COLLECTION_REASONS]) expect(request).toContain(`\`${word}\``);
  });

  it('is right about ranges: their ends are accepted, and one more is refused with the words of the table', () => {
    const ranges = Object.entries(HEAP_OPTIONS).flatMap(([option, { accepted }]) => {
      const range = /^(?:an integer|a number) from (\S+) to (\S+)$/.exec(accepted);
      return range === null ? [] : [{ option, accepted, least: Number(range[1]), most: Number(range[2]) }];
    });
    expect(ranges.length).toBeGreaterThan(4);
    for (const { option, accepted, least, most } of ranges) {
      for (const value of [least, most]) expect(() => resolveOptions({ capacityBytes: '1M', [option]: value })).not.toThrow();
      for (const value of [least - 1, most + 1]) {
        expect(() => resolveOptions({ capacityBytes: '1M', [option]: value })).toThrow(`${option} must be ${accepted}, got `);
      }
    }
    const words: [keyof HeapOptions, unknown][] = [
      ['capacityBytes', '17G'],
      ['fault', 'magic'],
      ['marker', 'magic'],
      ['barrieredStores', 1],
      ['faultAroundPages', 3],
      ['sizing', 'magic'],
      ['minBytes', '2M'],
      ['tlabBytes', '513K'],
    ];
    for (const [option, value] of words) {
      expect(() => resolveOptions({ capacityBytes: '1M', [option]: value })).toThrow(`${option} must be ${HEAP_OPTIONS[option].accepted}`);
    }
  });
});

const needsText = (needs: readonly Need[]): string => needs.map((need) => NEEDS[need]).join(', ') || 'nothing';

describe('README.md', () => {
  it('has the fault modes that are for use, as the table of the sources has them', () => {
    const rows = tableRows(section('README.md', 'Fault modes')).slice(2);
    expect(rows).toEqual(
      FAULT_MODES.filter(({ automatic }) => automatic).map(({ mode, description, needs, heldBy }) => [
        mode,
        description,
        needsText(needs),
        SYSTEM_CALLS[heldBy],
      ]),
    );
  });
});

describe('docs/minor-faults.md', () => {
  it('has the fault modes that are for use, as the table of the sources has them', () => {
    const [head, ...rows] = tableRows(section('docs/minor-faults.md', 'Fault modes'));
    expect(head!.slice(1)).toEqual([...AUTOMATIC_MODES]);
    const shownBy = rows.find(([what]) => what === 'shown by')!.slice(1);
    expect(shownBy).toEqual(AUTOMATIC_MODES.map((mode) => traitsOf(mode).filledBy));
  });

  it('has the fault modes for research, as the table of the sources has them', () => {
    // The first of the section's tables.
    const text = section('docs/minor-faults.md', 'Modes for research').split('\n### ')[0]!;
    const rows = tableRows(text).slice(2);
    expect(rows.map(([mode, heldBy, filledBy, needs, what]) => [mode, heldBy, filledBy, needs, what!.replace(/ \(\[.*\)$/, '')])).toEqual(
      FAULT_MODES.filter(({ automatic }) => !automatic).map(({ mode, heldBy, filledBy, needs, description }) => [
        mode,
        heldBy,
        filledBy,
        needsText(needs),
        description,
      ]),
    );
  });
});

describe('native/gc/faults/fault_mode.h', () => {
  it('has the rows of src/gc/fault-modes.ts', () => {
    const table = /kFaultModes\[\] = \{([\s\S]*?)\n\};/.exec(read('native/gc/faults/fault_mode.h'))![1]!;
    const rows = [...table.matchAll(/\{FaultModeKind::k\w+, "([\w-]+)", HeldBy::k(\w+), (\w+), (\w+), (\w+)\}/g)];
    const holders = {
      SIGBUS: 'BusSignal',
      SIGSEGV: 'SegmentationSignal',
      'handler thread': 'Thread',
      'its own loads': 'Nothing',
      nobody: 'Nothing',
    };
    expect(rows.map((row) => row.slice(1))).toEqual(
      FAULT_MODES.map(({ mode, heldBy, filledBy, collects, barrieredLoads }) => [
        mode,
        holders[heldBy],
        String(filledBy === 'UFFDIO_COPY'),
        String(collects),
        String(barrieredLoads),
      ]),
    );
  });
});

describe('docs/userfaultfd.md', () => {
  it('has every feature, in the order of its bit, with its version and kind', () => {
    const rows = tableRows(section('docs/userfaultfd.md', 'Features')).slice(2);
    expect(rows.map(([name, since, kind]) => [name, since, kind])).toEqual(FEATURES.map(({ name, since, kind }) => [name, since, kind]));
  });
});
