/**
 * What the integration tests test: the compiled library. The collector's threads are files of `dist/`, so a heap made by
 * uncompiled sources could not start one; and what is tested is what is shipped.
 */
export * from '../../dist/index.js';
export { binding, type Binding, type Probe } from '../../dist/binding.js';
