// What an app in a browser weighs before its model: kernels, workers and all.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { inRepository } from './support/fixtures.ts';

const LARGEST_GZIP_BYTES = 400_000;

it('is at most 400 kB with gzip', () => {
  const output = execFileSync(process.execPath, [inRepository('scripts/bundle-size.mjs')], { encoding: 'utf8' });
  const [, bytes] = /^all: \d+ bytes, (\d+) with gzip$/m.exec(output)!;
  // The kernels alone weigh 60 kB: a bundle without them would be none.
  expect(Number(bytes)).toBeGreaterThan(100_000);
  expect(Number(bytes)).toBeLessThan(LARGEST_GZIP_BYTES);
});
