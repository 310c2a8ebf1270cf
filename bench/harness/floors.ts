/**
 * Floors: rows in which nothing is ever collected, on memory that is there before the clock runs. The overhead of a collector is told over
 * the floor of the same program, and not at all where it has none.
 */
import type { Configuration } from './contract.ts';

type Which = Pick<Configuration, 'system' | 'driver' | 'barrier'>;

/**
 * What mutators are compiled from. C++ on the heap and C++ on malloc are compiled from the same templates by the same compiler; their
 * objects differ, which is a part of what their memory costs.
 */
export function programOf({ system, driver }: Which): string {
  if (system === 'faultline') return driver === 'native' ? 'C++' : 'JavaScript by raw access';
  if (system === 'bdwgc' || system.startsWith('malloc-')) return 'C++';
  return system.startsWith('openjdk-') ? 'Java' : system.replace(/-.*/, '');
}

export function isFloor({ system, barrier }: Which): boolean {
  return barrier?.mode === 'none' || system === 'openjdk-epsilon' || system.startsWith('malloc-');
}
