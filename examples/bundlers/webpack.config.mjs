// npx webpack --config examples/bundlers/webpack.config.mjs
import { resolve } from 'node:path';

export default {
  mode: 'production',
  target: 'node20',
  entry: './examples/bundlers/program.mjs',
  externalsType: 'module',
  externals: ['faultline'],
  experiments: { outputModule: true },
  // Else `import.meta.url` is that of the source, and a worker made from it is not the bundle.
  module: { parser: { javascript: { importMeta: false, url: false, worker: false } } },
  output: { path: resolve('build/bundles'), filename: 'webpack.mjs', module: true, library: { type: 'module' } },
};
