// node examples/bundlers/esbuild.mjs
import { build } from 'esbuild';

await build({
  entryPoints: ['examples/bundlers/program.mjs'],
  outfile: 'build/bundles/esbuild.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['faultline'],
});
