/**
 * Warnings: what a program is told that gets less than the best. Each text once a process, whichever thread or heap comes to it: the
 * addon remembers what was said.
 */
import { binding } from '../binding.ts';

/** @internal Those of the texts that nobody has heard yet, in one warning. */
export function warnDegraded(begin: string, texts: readonly string[]): void {
  const news = texts.filter((text) => binding().isNews(begin + text));
  if (news.length > 0) process.emitWarning(begin + news.join('; and '), { code: 'FAULTLINE_DEGRADED' });
}
