/**
 * Schedule: the order of invocations. Each round runs every point once, in an order of its own; so whatever changes on the machine in
 * the course of hours meets all points alike, and no point always follows the same other one. The arms of a pair follow each other, in
 * either order.
 */
import { shuffle } from 'simple-statistics';
import { keyOf, type Point } from './point.ts';
import type { Random } from './random.ts';

export interface Scheduled {
  readonly point: Point;
  /** 0 … invocations − 1; all points have the same seed in the same round. */
  readonly round: number;
}

export function scheduleOf(points: readonly Point[], invocations: number, random: Random): Scheduled[] {
  const pairs = new Map<string, Point[]>();
  for (const point of points) pairs.set(point.pair ?? keyOf(point), [...(pairs.get(point.pair ?? keyOf(point)) ?? []), point]);
  return Array.from({ length: invocations }, (_, round) =>
    shuffle([...pairs.values()], random)
      .flatMap((arms) => shuffle(arms, random))
      .map((point) => ({ point, round })),
  ).flat();
}
