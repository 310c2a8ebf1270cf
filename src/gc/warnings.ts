/**
 * Warnings: tell a program that it gets less than the best. Each text appears once per process, whichever thread or heap it comes from: the
 * addon remembers which were given.
 */
import { binding } from '../binding.ts';

/** @internal Gives one warning with those texts that have not been given yet. */
export function warnDegraded(begin: string, texts: readonly string[]): void {
  const news = texts.filter((text) => binding().isNews(begin + text));
  if (news.length > 0) process.emitWarning(begin + news.join('; and '), { code: 'FAULTLINE_DEGRADED' });
}
