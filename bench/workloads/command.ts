/**
 * Command: what the workload replay takes from the command `faultline run`. It is no part of the package's interface, so it is loaded by
 * its place in the built package.
 */
import { pathToFileURL } from 'node:url';
import { PROJECT } from '../harness/project.ts';

type Layout = typeof import('../../dist/cli/run/object-layout.js');
type Snapshots = typeof import('../../dist/cli/snapshot/index.js');

const built = (path: string): string => pathToFileURL(`${PROJECT}/dist/cli/${path}`).href;

export const { inlineWords, MAX_INLINE_WORDS, payloadAt, payloadElements } = (await import(built('run/object-layout.js'))) as Layout;

/** Reading snapshots, and taking one; loaded when it is needed. */
export const snapshots = async (): Promise<Snapshots> => (await import(built('snapshot/index.js'))) as Snapshots;
