// npx rollup --config examples/bundlers/rollup.config.mjs
export default {
  input: 'examples/bundlers/program.mjs',
  external: ['faultline', /^node:/],
  output: { file: 'build/bundles/rollup.mjs', format: 'es' },
};
