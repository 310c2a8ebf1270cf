// npx vite build --config examples/bundlers/vite.config.mjs
import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    ssr: 'examples/bundlers/program.mjs',
    outDir: 'build/bundles/vite',
    rollupOptions: { external: ['faultline'] },
  },
});
