// The baseline kernels' logits as hashes: the README's table, recomputed. The contract holds every runtime to the same table. It
// says nothing about correctness, which test/architectures settles: only that nothing depends on the runtime. A change of
// kernels changes it; then `node scripts/logits-hash.mjs --readme` renews it.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { logitsHashes } from './readme-tables.ts';

it('has the bits that the README says', () => {
  const printed = execFileSync(process.execPath, [inRepository('scripts/logits-hash.mjs')], { encoding: 'utf8' });
  const rows = Object.entries(logitsHashes()).map(([model, hash]) => `| ${model} | \`${hash}\` |`);
  expect(rows).toHaveLength(7);
  expect(printed.trim().split('\n')).toEqual(rows);
}, 60_000);
