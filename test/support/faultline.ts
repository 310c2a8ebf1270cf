/**
 * The compiled library, which the integration tests test. The collector's threads are files of `dist/`, so a heap made by
 * uncompiled sources could not start one; and the tests run what is shipped.
 */
export * from '../../dist/index.js';
export { binding, type Binding, type Probe } from '../../dist/binding.js';
