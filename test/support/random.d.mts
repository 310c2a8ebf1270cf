export interface Random {
  next(): number;
  below(limit: number): number;
  chance(one: number, of: number): boolean;
  pick<T>(list: readonly T[]): T;
}
export function makeRandom(seed: number): Random;
