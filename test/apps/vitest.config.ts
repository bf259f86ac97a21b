// `npm run test:apps`: apps built with bundlers, which take minutes and packages of their own, and are no part of `npm test`.
import { configDefaults, defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

export default defineConfig({
  ...base,
  test: {
    ...base.test, include: ['test/apps/*.test.ts'], exclude: configDefaults.exclude, testTimeout: 240_000, hookTimeout: 240_000,
    // Bundlers use all cores themselves.
    fileParallelism: false,
  },
});
