import type { Heap, Mutator } from './faultline.ts';

export const PROGRAMS: Readonly<Record<string, readonly [text: string, expected: string]>>;
export function evaluate(text: string, heap: Heap, mutator: Mutator): string;
