/**
 * Coverage: what the tests that go through all public operations leave out.
 */

/** What a class has for the library's own use: these are marked `@internal` in the sources, and hidden by the compiler's types. */
export const INTERNAL: ReadonlySet<string> = new Set([
  'Mutator.handles', 'Mutator.id', 'Mutator.isAttached', 'Mutator.pin', 'Mutator.admit', 'Mutator.admitValue', 'Mutator.held',
  'Mutator.exchangeAndCount', 'Mutator.takeFinalizable',
  'Mutator.nudged', 'Mutator.passed', 'Mutator.passedWith', 'Mutator.forget', 'Mutator.operation', 'Mutator.temporary',
  'Mutator.rest', 'Mutator.native', 'HeapArrays.popRead', 'HeapQueues.dequeueRead', 'HeapQueues.dequeueReadWait', 'HeapLocks.wake', 'HeapLocks.means',
  'CollectionView.reader',
  'HeapArrays.kindOf', 'HeapQueues.kindOf', 'HeapMaps.kindsOf', 'HeapMaps.step', 'HeapLocks.acquireAt', 'HeapLocks.expectOwned',
  'CollectionView.operations', 'CollectionView.at', 'CollectionView.atSafepoint', 'CollectionView.stored', 'CollectionView.loaded',
]);
