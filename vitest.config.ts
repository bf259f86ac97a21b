import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // Adapters name the package that they are part of, so that the runtime's own entry is taken.
  resolve: {
    alias: [
      { find: /^@clawdbot\/runtime$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      { find: /^#inline\/(.*)$/, replacement: fileURLToPath(new URL('dist/inline/$1.js', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Apps have their own script, test:apps.
    exclude: [...configDefaults.exclude, 'test/apps/**'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
