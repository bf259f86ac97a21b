// Builds the chat page into the package's dist/web: relative addresses, so that it runs under any path, and no inline code.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  // Rolldown's own transform; the JSX runtime is the one of tsconfig.json.
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: ['chrome107', 'firefox104', 'safari16.4'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  worker: { format: 'es' },
});
