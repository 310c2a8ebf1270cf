import type { HeapOptions } from '../../src/index.ts';

export interface RoundConfiguration {
  readonly seed: number;
  readonly round: number;
  readonly heap: HeapOptions;
  readonly load: Readonly<Record<string, unknown>>;
  readonly programSeed: number;
}

type Row = (random: unknown, drawn: Record<string, unknown>, machine: Machine) => unknown;
interface Machine {
  readonly modes: readonly string[];
  readonly markers: readonly string[];
}

export const HEAP_OPTIONS: Readonly<Record<string, Row>>;
export const LOAD: Readonly<Record<string, Row>>;
export function configurationOf(seed: number, round: number, machine: Machine, overrides?: Record<string, unknown>): RoundConfiguration;
export function seedOfRound(seed: number, round: number): number;
export function parseOverride(text: string): [string, unknown];
export function describe(configuration: RoundConfiguration): string;
