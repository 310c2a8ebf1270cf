/**
 * Runs in a page of DevTools, not in Node: loads the text of a heap snapshot with the modules of the Memory panel, and answers what
 * that panel would show. One expression.
 */
async (text) => {
  const { HeapSnapshot, HeapSnapshotLoader } = await import(
    'devtools://devtools/bundled/entrypoints/heap_snapshot_worker/heap_snapshot_worker.js'
  );
  const loader = new HeapSnapshotLoader.HeapSnapshotLoader({ sendEvent() {} });
  for (let at = 0; at < text.length; at += 100_000) loader.write(text.slice(at, at + 100_000));
  loader.close();
  await loader.parsingComplete;
  const { port1, port2 } = new MessageChannel();
  new HeapSnapshot.SecondaryInitManager(port2);
  const snapshot = await loader.buildSnapshot(port1);
  const aggregates = Object.values(snapshot.aggregatesWithFilter({}));
  return {
    nodeCount: snapshot.nodeCount,
    totalSize: snapshot.totalSize,
    aggregates: aggregates.map(({ name, count, self, maxRet, distance }) => ({ name, count, self, maxRet, distance })),
  };
};
